/// <reference lib="dom" />
import { once } from 'node:events';
import { findFreePort } from '@rigel/local-servers';
import { waitFor } from '@rigel/testing';
import type { BrowserContext, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { startRig } from '../support/rig.js';
import { addProcess } from '../support/service-process.js';
import { openPage, startBrowser } from './browser.js';
import { Ingress } from './ingress.js';

/*
 * Parts fail while a page is open. Afterwards the page shows what the API says, without a reload, and in between it does not claim
 * to be live.
 */

const rig = await startRig({
  apart: true,
  executors: 1,
  fastDatabase: true,
  backoff: { firstMs: 200, maxMs: 1_000, resetAfterMs: 60_000 },
  env: { executor: { RIGEL_EXECUTOR_CAPABILITIES: 'ssh,noop' } },
});
const port = await findFreePort();
const second = await addProcess(rig.specs, 'gateway', {
  name: 'gateway-2',
  env: { RIGEL_HTTP_PORT: String(port) },
});
const otherGateway = `http://127.0.0.1:${port}`;
const browser = await startBrowser();
const ingress = await Ingress.start(rig.stack.httpUrl);
const { console } = ingress;
t.teardown(async () => {
  await browser.close();
  await ingress.close();
  second.kill('SIGTERM');
  if (second.exitCode === null) await once(second, 'exit');
  await rig.stop();
});

/** What the browser notes when something that is drawn moves; the types of the DOM do not have it. */
interface Shift {
  value: number;
  /** A person has caused it. */
  hadRecentInput: boolean;
}

const NODES = 8;
const noop = { command: '', type: 'noop' };
const template = await rig.fleet.template({ a: noop, b: noop });
let tasks = 0;
/** A task that waits for its start, over nodes of its own. */
async function newTask(): Promise<number> {
  tasks++;
  const addresses = Array.from({ length: NODES }, (_, n) => `10.0.${tasks}.${n + 1}`);
  await rig.fleet.pool(addresses);
  return rig.fleet.startTask(template, addresses, { auto: false });
}

const isState = (page: Page, state: string) => page.locator(`[data-live="${state}"]`).waitFor();

/** From now on the page notes what it says of its stream: a state may be over before a test looks. */
const noteStates = (page: Page) =>
  page.evaluate(() => {
    const noted = document.documentElement.dataset;
    new MutationObserver((changes) => {
      for (const { target } of changes)
        noted.states = `${noted.states ?? ''} ${(target as HTMLElement).dataset.live}`;
    }).observe(document, { subtree: true, attributeFilter: ['data-live'] });
  });
const notedStates = (page: Page) => page.evaluate(() => document.documentElement.dataset.states ?? '');

/** Each state of nodes with its count, as the page's legend has it. */
const legend = (page: Page) =>
  page.getByRole('listitem').filter({ hasText: /^\d+ (waiting|running|succeeded|failed|stopped)$/ });

/** Waits until the page shows the task as the API does: its counts, and each of its cells. */
async function equalsApi(t: Test, page: Page, id: number): Promise<void> {
  await rig.fleet.ended(id);
  const task = await waitFor(
    async () => {
      const { stat } = await rig.api.task(id);
      const shown = (await legend(page).allTextContents()).map((text) => Number(text.split(' ')[0]));
      const [waiting = 0, running = 0, succeeded = 0, failed = 0, stopped = 0] = stat;
      return String(shown) === String([succeeded, running, waiting, failed, stopped]) ? { stat } : undefined;
    },
    { what: `the page shows the counts of task ${id}`, timeoutMs: 30_000 },
  );
  t.equal(task.stat[2], NODES, 'the task went on');
  await waitFor(async () => (await page.locator('[data-stale]').count()) === 0, { what: 'nothing is stale' });
  const runs = (await rig.api.detail(id)).map(({ ip }) => `${ip} succeeded`).sort();
  const wall = page.getByRole('grid', { name: /cells/ });
  const cells = await waitFor(
    async () => {
      await wall.focus();
      await page.keyboard.press('Home');
      const words: string[] = [];
      for (let n = 0; n < NODES; n++) {
        const cell = await wall.getByRole('gridcell').textContent();
        words.push(
          /^(\S+) · batch 1 · (\w+)/
            .exec(cell ?? '')
            ?.slice(1)
            .join(' ') ?? '',
        );
        await page.keyboard.press('ArrowRight');
      }
      return String(words.sort()) === String(runs) ? words : undefined;
    },
    { what: 'each cell is as its node', timeoutMs: 30_000 },
  );
  t.equal(cells.length, NODES);
}

/** A page of a task that waits for its start. */
async function openTask(): Promise<{
  id: number;
  page: Page;
  context: BrowserContext;
  close(): Promise<void>;
}> {
  const id = await newTask();
  const { page, context, close } = await openPage(browser, `${console}task/${id}`);
  await isState(page, 'live');
  await legend(page).first().waitFor();
  return { id, page, context, close };
}

/** Starts a task as soon as the system is able to. */
const startTask = (id: number) =>
  waitFor(async () => (await rig.api.call(`/task/start/${id}`, {}).catch(() => undefined))?.code === 0, {
    what: `task ${id} is started`,
    timeoutMs: 30_000,
  });

t.test('a gateway is killed: the page goes on at another one', async (t) => {
  const { id, page, close } = await openTask();
  await noteStates(page);
  ingress.upstream = otherGateway;
  rig.stack.kill('gateway', 'SIGKILL');
  // A stream that other topics had just replaced is at the other gateway already.
  ingress.cutStreams();
  await waitFor(async () => /reconnecting .*live$/.test(await notedStates(page)), {
    what: 'the page has said that it reconnects, and is live again',
    timeoutMs: 30_000,
  });
  await startTask(id);
  await equalsApi(t, page, id);
  t.equal(ingress.open.size, 1, 'with one stream');
  await close();
});

t.test('scheduler and NATS are killed and come back', async (t) => {
  const { id, page, close } = await openTask();
  const started = startTask(id);
  rig.stack.kill('scheduler', 'SIGKILL');
  rig.stack.kill('nats', 'SIGKILL');
  await started;
  await rig.fleet.ended(id);
  await equalsApi(t, page, id);
  await close();
});

t.test('requests are refused for a while: the page says why, keeps what it shows, and goes on', async (t) => {
  const { id, page, close } = await openTask();
  for (const statuses of [[401], [403, 429, 503]]) {
    for (const status of statuses) {
      ingress.refusals = [{ path: /^\/(task|live)/, status }];
      ingress.cutStreams();
      await page.getByText(`(${status})`).filter({ visible: true }).first().waitFor();
      t.ok(await page.locator('[data-stale]').count(), `${status}: it is called stale`);
      t.equal(await legend(page).count(), 5, `${status}: what was there stays`);
    }
    ingress.refusals = [];
    await waitFor(async () => (await page.locator('[data-stale]').count()) === 0, {
      what: 'nothing is stale',
      timeoutMs: 30_000,
    });
  }
  await startTask(id);
  await equalsApi(t, page, id);
  await close();
});

t.test('a proxy cuts each stream: nothing is missing', async (t) => {
  const { id, page, close } = await openTask();
  const before = ingress.opened;
  ingress.cutAfterMs = 1_000;
  ingress.cutStreams();
  await waitFor(() => ingress.opened > before + 1, { what: 'two streams were cut' });
  await startTask(id);
  await equalsApi(t, page, id);
  t.ok(ingress.opened < before + 30, 'and streams are not opened without a pause');
  ingress.cutAfterMs = undefined;
  await close();
});

t.test('a slow network: regions say that they load, nothing jumps, and a press counts once', async (t) => {
  const { id, page, close } = await openTask();
  await page.addInitScript(() => {
    const seen = { jumps: 0, skeletons: 0 };
    Object.assign(globalThis, { seen });
    new PerformanceObserver((list) => {
      for (const { value, hadRecentInput } of list.getEntries() as unknown as Shift[])
        if (!hadRecentInput) seen.jumps += value;
    }).observe({ type: 'layout-shift', buffered: true });
    new MutationObserver(() => {
      // Drawn, and not only there for the moment before it is drawn.
      if (document.querySelector('[data-loading][role=status]')) seen.skeletons++;
    }).observe(document, { subtree: true, childList: true });
  });
  const seen = () =>
    page.evaluate(() => (globalThis as unknown as { seen: { jumps: number; skeletons: number } }).seen);
  ingress.slowness = { latencyMs: 400, bytesPerSecond: 50_000 };
  await page.reload();
  await legend(page).first().waitFor();
  await isState(page, 'live');

  // What is shown while reads fail says from when it is.
  ingress.refusals = [{ path: /^\/(task|live)/, status: 503 }];
  ingress.cutStreams();
  await page
    .getByText(/^As of \d\d:\d\d:\d\d \S+\. Reading again failed: .*\(503\)/)
    .filter({ visible: true })
    .first()
    .waitFor();
  ingress.refusals = [];
  await waitFor(async () => (await page.locator('[data-stale]').count()) === 0, {
    what: 'nothing is stale',
    timeoutMs: 30_000,
  });

  const { jumps, skeletons } = await seen();
  t.ok(skeletons > 0, 'regions that load say so');
  // Up to 0.1 counts as good. The strip that says why a task waits comes when the task has waited for a while.
  t.ok(jumps < 0.1, `what is drawn moved by ${jumps}`);

  const sent: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && sent.push(new URL(request.url()).pathname));
  // The strip that says why it waits has one too.
  await page.getByRole('button', { name: 'Start…' }).first().click();
  const start = page.getByRole('dialog').getByRole('button', { name: `Start ${NODES} nodes` });
  await start.and(page.locator('[aria-disabled=false]')).waitFor();
  await start.dblclick();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await equalsApi(t, page, id);
  t.equal(sent.filter((path) => path.endsWith(`/task/start/${id}`)).length, 1, 'it was sent once');
  ingress.slowness = undefined;
  await close();
});

t.test('a laptop sleeps for an hour: what it shows then is not called live', async (t) => {
  const id = await newTask();
  const context = await browser.newContext();
  // The clock of a shared worker cannot be set, that of a tab that holds the connection can.
  await context.addInitScript(() => {
    Reflect.deleteProperty(globalThis, 'SharedWorker');
  });
  const page = await context.newPage();
  await page.clock.install();
  await page.goto(`${console}task/${id}`);
  await isState(page, 'live');
  ingress.refusals = [{ path: /^\/(task|live)/, status: 503 }];
  const states = page.evaluate(
    () =>
      new Promise<string[]>((resolve) => {
        const seen: string[] = [];
        const dot = document.querySelector('[data-live]');
        const observer = new MutationObserver(() => {
          seen.push(dot?.getAttribute('data-live') ?? '');
          if (seen.at(-1) === 'live') resolve(seen);
        });
        if (dot) observer.observe(dot, { attributes: true });
      }),
  );
  await page.clock.fastForward('01:00:00');
  await startTask(id);
  await rig.fleet.ended(id);
  await page.clock.runFor(1_000);
  ingress.refusals = [];
  for (let n = 0; n < 20 && (await page.locator('[data-live="live"]').count()) === 0; n++)
    await page.clock.runFor(2_000);
  t.not((await states)[0], 'live', 'first it says that it is not live');
  await page.clock.resume();
  await equalsApi(t, page, id);
  await context.close();
});

t.test('ten tabs have one stream, and show the same', async (t) => {
  // A browser ends the worker of a window that was closed when it likes.
  const before = new Set(ingress.open);
  const { id, page, context, close } = await openTask();
  const tabs = [page];
  for (let n = 1; n < 10; n++) {
    const tab = await context.newPage();
    await tab.goto(page.url(), { waitUntil: 'commit' });
    tabs.push(tab);
  }
  for (const tab of tabs) await isState(tab, 'live');
  // Other topics are another stream; the one before is seen to end a moment later.
  const own = () => [...ingress.open].filter((stream) => !before.has(stream));
  await waitFor(async () => own().length === 1, { what: 'the tabs have one stream' });
  await startTask(id);
  for (const tab of tabs)
    await legend(tab)
      .filter({ hasText: `${NODES} succeeded` })
      .waitFor();
  await equalsApi(t, tabs[9] as Page, id);
  await close();
});

t.test('a page whose files do not come leaves the frame, and is loaded when they do', async (t) => {
  const { page, close } = await openPage(browser, `${console}tasks`);
  const link = (name: string) => page.getByRole('navigation').getByRole('link', { name });
  const title = (name: string | RegExp) => page.getByRole('heading', { level: 1, name });
  await title('Tasks').waitFor();

  // The gateway is away.
  await ingress.close();
  await link('Audit').click();
  await title('This page could not be loaded').waitFor();
  await page.getByText('The gateway does not answer').waitFor();
  await link('Tasks').click();
  await title('Tasks').waitFor();
  await link('Audit').click();
  await title('This page could not be loaded').waitFor();
  await ingress.listen();
  await title('Audit').waitFor();

  // One file is missing.
  ingress.refusals = [{ path: /assets\/system-page.*js$/, status: 404 }];
  await link('System').click();
  await page.getByText('The gateway answers, but').waitFor();
  ingress.refusals = [];
  await page.getByRole('button', { name: 'Try again' }).click();
  await title('System').waitFor();

  // The gateway has another release.
  ingress.refusals = [{ path: /assets\/help-page.*js$/, status: 404 }];
  await page.route(console, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<script src="./assets/index-new.js"></script>' }),
  );
  await link('Help').click();
  await title('There is a new version of the console').waitFor();
  ingress.refusals = [];
  await page.getByRole('button', { name: 'New version: reload' }).click();
  await title('Help').waitFor();
  t.ok(page.url().endsWith('/help'), 'the address stays');
  await close();
});
