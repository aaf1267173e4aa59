import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import type { Browser } from 'playwright-core';
import { openPage, startBrowser } from './browser.js';
import { type FurnishedRig, startFurnishedRig } from './furnished-rig.js';

/*
 * `pnpm pictures`: makes the pictures of the documents again, of the main pages in both languages and themes, on a system
 * that is at work. Names of pages after it choose some of them.
 */

const NODES = 1_200;
const SIZE = { width: 1440, height: 900 };
/** Of WebP: text stays sharp, and a picture under 200 KB. */
const QUALITY = 82;
/** A page that stands asks a few things more: the output of a node, say. */
const SETTLE_MS = 2_000;
const FOLDER = join(REPOSITORY_DIR, 'docs', 'pictures');

/** The pages by the names of their pictures, and what stands on each when it is complete. */
function pagesOf(made: FurnishedRig): Record<string, { path: string; shows: string }> {
  return {
    overview: { path: '', shows: 'h2' },
    task: { path: `task/${made.task}?node=${made.failedNode}`, shows: '[role=log]' },
    pool: { path: `pool/${made.pool}`, shows: '[role=grid]' },
    schedules: { path: `schedules?schedule=${made.schedule}`, shows: '[role=complementary], aside' },
    action: { path: `catalog/action/${made.action}`, shows: '.cm-content' },
  };
}

/** @returns the size of the picture in bytes. */
async function take(
  browser: Browser,
  made: FurnishedRig,
  { path, shows }: { path: string; shows: string },
  { name, theme, language }: { name: string; theme: 'light' | 'dark'; language: 'en' | 'zh' },
): Promise<number> {
  const url = `${made.rig.stack.httpUrl}/console/${path}`;
  const { page, context, faults, close } = await openPage(browser, url, {
    ...SIZE,
    theme,
    language,
    token: made.tokens.operator,
  });
  await page.locator(shows).first().waitFor();
  // A page that follows nothing has no such mark.
  await page.locator('[data-live="connecting"], [data-live="catching_up"]').waitFor({ state: 'detached' });
  await page.waitForTimeout(SETTLE_MS);
  if (faults.length > 0) throw new Error(`${path}: ${faults.join('\n')}`);
  const session = await context.newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  await close();
  const picture = Buffer.from(data, 'base64');
  await writeFile(join(FOLDER, `${name}-${language}-${theme}.webp`), picture);
  return picture.length;
}

async function main(): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const made = await startFurnishedRig(NODES);
  const browser = await startBrowser('whole');
  try {
    const chosen = process.argv.slice(2);
    for (const [name, page] of Object.entries(pagesOf(made))) {
      if (chosen.length > 0 && !chosen.includes(name)) continue;
      for (const language of ['en', 'zh'] as const)
        for (const theme of ['light', 'dark'] as const) {
          const bytes = await take(browser, made, page, { name, theme, language });
          process.stdout.write(`${name}-${language}-${theme}.webp  ${Math.round(bytes / 1024)} KB\n`);
        }
    }
  } finally {
    await browser.close();
    await made.stop();
  }
}

await main();
