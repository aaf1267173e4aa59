/// <reference lib="dom" />
import { access, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { installDebianPackage } from '@rigel/local-servers';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { Test } from 'tap';

/**
 * Debian's package, and its program: Chromium without what only a screen needs. A page costs it half of the processor time
 * that it costs the whole browser.
 */
const SHELL = 'chromium-headless-shell';
const WHOLE = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];

/** No sandbox: it needs user namespaces, which containers of CI do not give. Nothing beyond loopback is opened. */
const ARGUMENTS = ['--no-sandbox', '--disable-quic', '--disable-background-networking'];

async function inPath(names: readonly string[]): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      const found = await access(path).then(
        () => true,
        () => false,
      );
      if (found) return path;
    }
  }
  return undefined;
}

/**
 * The browser that pages are opened with: the one that RIGEL_CHROMIUM names, or one of the path. When we are root and the path
 * does not have the kind that is wanted, Debian's package of it is installed.
 * @param kind `shell` for tests; `whole` for what is measured or shown as people see it.
 * @throws Error that says how to get one.
 */
async function findChromium(kind: 'shell' | 'whole'): Promise<string> {
  const wanted = kind === 'shell' ? [SHELL] : WHOLE;
  const found = process.env.RIGEL_CHROMIUM || (await inPath(wanted));
  if (found) return found;
  let problem = 'install it, or name it in RIGEL_CHROMIUM';
  if (process.getuid?.() === 0) {
    try {
      await installDebianPackage(wanted[0] as string);
      await installDebianPackage('fonts-wqy-microhei');
    } catch (error) {
      problem = (error as Error).message;
    }
  }
  const any = await inPath([...wanted, SHELL, ...WHOLE]);
  if (any) return any;
  throw new Error(`the console is opened with Chromium, and there is none: ${problem}`);
}

/** @param kind as for {@link findChromium} */
export async function startBrowser(kind: 'shell' | 'whole' = 'shell'): Promise<Browser> {
  return chromium.launch({ executablePath: await findChromium(kind), args: ARGUMENTS });
}

export interface Opening {
  width?: number;
  height?: number;
  theme?: 'light' | 'dark' | 'contrast';
  /** `pseudo`: English made longer and marked. */
  language?: 'en' | 'zh' | 'pseudo';
  /** Signed in with this API token. */
  token?: string | undefined;
}

/** Every theme, both languages, and a phone. */
const OPENINGS: readonly Opening[] = [
  { theme: 'light' },
  { theme: 'dark', language: 'zh' },
  { theme: 'contrast', width: 360, height: 740 },
];
let turn = 0;

/**
 * How a test opens a page to see whether it is sound. An opening costs a second or two of processor time, so the pages of a file
 * take turns; with `RIGEL_EVERY_OPENING=1`, as every night, each page is opened in each way.
 */
export function openings(): readonly Opening[] {
  if (process.env.RIGEL_EVERY_OPENING === '1') return OPENINGS;
  return [OPENINGS[turn++ % OPENINGS.length] as Opening];
}

/** A page that notes what must never happen on one. */
export interface WatchedPage {
  page: Page;
  context: BrowserContext;
  /** Errors of the browser's console, uncaught ones of the page, violations of its policy. */
  faults: string[];
  close(): Promise<void>;
}

/** Opens an address as a browser with these settings, which are kept like those that a person has chosen. */
export async function openPage(browser: Browser, url: string, opening: Opening = {}): Promise<WatchedPage> {
  const { width = 1440, height = 900, theme = 'light', language = 'en', token } = opening;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme === 'light' ? 'light' : 'dark',
    timezoneId: 'Europe/Berlin',
  });
  const settings = JSON.stringify({ theme, language });
  await context.addInitScript((text) => localStorage.setItem('rigel-console-settings', text), settings);
  if (token !== undefined) await signIn(context, url, token);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(url);
  return { page, context, faults, close: () => context.close() };
}

/** Exchanges a token for a session, as the page for signing in does. @param url an address of the console */
async function signIn(context: BrowserContext, url: string, token: string): Promise<void> {
  const root = url.slice(0, url.indexOf('/console/'));
  const headers = { origin: new URL(url).origin };
  const answer = await context.request.post(`${root}/session`, { headers, data: { token } });
  if (!answer.ok())
    throw new Error(`signing in was answered with ${answer.status()}: ${await answer.text()}`);
}

const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What of WCAG 2.0 to 2.2, levels A and AA, axe finds broken on a page: rule, and the first places. */
export async function axeFindings(page: Page): Promise<string[]> {
  // By the debugger's protocol, which the policy of the page does not bind.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: await readFile(axeSource, 'utf8') });
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then(({ violations }) =>
      JSON.stringify(violations.map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html }) => html.slice(0, 120)).join(' | '))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  return JSON.parse(String(result.value)) as string[];
}

/** Whether the page can be scrolled to the side. */
export function scrollsSideways(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = globalThis.document.documentElement;
    return scrollWidth > clientWidth;
  });
}

/**
 * On a page axe finds nothing, the browser has nothing to complain about, and nothing is wider than the window.
 * @param faults what the browser has complained about, without what the test expects
 * @param at which page in which look, for the names of the assertions
 */
export async function looksRight(t: Test, page: Page, faults: readonly string[], at: string): Promise<void> {
  t.strictSame(await axeFindings(page), [], `axe ${at}`);
  t.strictSame(faults, [], `the browser says nothing ${at}`);
  t.notOk(await scrollsSideways(page), `nothing to the side ${at}`);
}
