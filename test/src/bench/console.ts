/// <reference lib="dom" />
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { startBrowser } from '../console/browser.js';
import { keep } from './cleanup.js';
import { nodeCount } from './node-count.js';
import { type NoopRig, STEPS, startNoopRig } from './noop-rig.js';
import { usageOf } from './process-usage.js';
import { type BenchReport, type Figure, median, print } from './report.js';

const NODES = 10_000;
const OPENINGS = 5;
const SCROLL_MS = 3_000;
/** Task pages that are open at once where their cost is measured. */
const PAGES = 50;
const ROUNDS = 2;
const TASK_TIMEOUT_MS = 600_000;
const SIZE = { width: 1440, height: 900 };
/** Cells of the smallest size: all are in sight. */
const CELL = 4;

/** What the page's script keeps for the benchmark. */
interface Probe {
  /** By `x,y` of a cell: when it was drawn as one that succeeded, in milliseconds since 1970. */
  drawn: Map<string, number>;
}

/**
 * The console in Chromium (headless, drawn by software) with the system on the same machine and a task of thousands of nodes
 * whose steps do nothing: how soon its page can be used, how old what it shows is, how even it scrolls, what it keeps in memory,
 * and what open pages cost the system.
 */
export async function benchConsole(args: string[]): Promise<BenchReport> {
  const count = nodeCount(args, NODES);
  print(`console: a task of ${count} nodes x ${STEPS} steps that do nothing`);
  const noop = await startNoopRig(count);
  try {
    const browser = await keepBrowser();
    try {
      const first = await startTask(noop);
      await noop.rig.fleet.ended(first, TASK_TIMEOUT_MS);
      const figures = [await interactive(browser, noop, first)];
      figures.push(...(await drawing(browser, noop, count)));
      figures.push(...(await scrolling(browser, noop, first)));
      await browser.close();
      figures.push(...(await openPages(noop)));
      return { figures, skipped: [] };
    } finally {
      await browser.close();
    }
  } finally {
    await noop.rig.stop();
  }
}

async function keepBrowser(): Promise<Browser> {
  const browser = await startBrowser('whole');
  await keep(Promise.resolve({ stop: () => browser.close() }));
  return browser;
}

const startTask = ({ rig, template, nodes }: NoopRig, options: object = {}): Promise<number> =>
  rig.fleet.startTask(template, nodes, { ...options });

const addressOf = ({ rig }: NoopRig, path: string): string => `${rig.stack.httpUrl}/console/${path}`;

/** @returns when the wall is drawn and its first cell can be asked for, in milliseconds after the navigation began. */
async function wallThere(page: Page): Promise<number> {
  const there = await page.waitForFunction(
    () => document.querySelector('[role=grid] [role=gridcell]')?.textContent && performance.now(),
    undefined,
    { polling: 'raf', timeout: 60_000 },
  );
  return Number(await there.jsonValue());
}

/** The task's page with its files in the browser's cache. */
async function interactive(browser: Browser, noop: NoopRig, id: number): Promise<Figure> {
  const context = await browser.newContext({ viewport: SIZE });
  const times: number[] = [];
  for (let n = 0; n <= OPENINGS; n++) {
    const page = await context.newPage();
    await page.goto(addressOf(noop, `task/${id}`), { waitUntil: 'commit' });
    times.push(await wallThere(page));
    await page.close();
  }
  await context.close();
  const [, ...warm] = times;
  print(
    `  wall drawn after ${warm.map((ms) => Math.round(ms)).join(', ')} ms (cold: ${Math.round(times[0] ?? 0)})`,
  );
  return { name: 'task page can be used, warm', value: median(warm), unit: 'ms', goal: { atMost: 1_000 } };
}

/** Notes when each cell is drawn as one that succeeded. */
function watchCanvas(cell: number): void {
  const probe: Probe = { drawn: new Map() };
  Object.assign(globalThis, { probe });
  const { prototype } = CanvasRenderingContext2D;
  const fill = prototype.fillRect;
  let surface = '';
  prototype.fillRect = function (x, y, width, height) {
    fill.call(this, x, y, width, height);
    // All is filled with the ground before anything else is drawn.
    if (width > cell && height > cell) surface = String(this.fillStyle);
    if (width !== cell || height !== cell || this.fillStyle === surface) return;
    const key = `${x},${y}`;
    if (!probe.drawn.has(key)) probe.drawn.set(key, performance.timeOrigin + performance.now());
  };
}

/** From the time that an event was recorded to the time that its cell was drawn, while a task runs as fast as it can. */
async function drawing(browser: Browser, noop: NoopRig, count: number): Promise<Figure[]> {
  const context = await browser.newContext({ viewport: SIZE });
  await context.addInitScript(watchCanvas, CELL);
  const page = await context.newPage();
  const id = await startTask(noop, { auto: false });
  await page.goto(addressOf(noop, `task/${id}?cell=${CELL}`));
  await wallThere(page);
  await page.locator('[data-live="live"]').waitFor();
  const began = performance.now();
  await noop.rig.api.ok(`/task/start/${id}`, {});
  await noop.rig.fleet.ended(id, TASK_TIMEOUT_MS);
  const rate = (count * STEPS) / ((performance.now() - began) / 1_000);
  await page.waitForFunction(
    (all) => (globalThis as unknown as { probe: Probe }).probe.drawn.size >= all,
    count,
    { timeout: 30_000 },
  );
  const drawn = await page.evaluate(() => [...(globalThis as unknown as { probe: Probe }).probe.drawn]);
  const recorded = await successTimes(noop, id);
  const cells = drawn
    .map(([key, at]) => ({ at, place: key.split(',').map(Number) as [number, number] }))
    .sort((a, b) => a.place[1] - b.place[1] || a.place[0] - b.place[0]);
  // Rows are full, and the first cell is that of the first run.
  const ages = cells.map(({ at }, index) => at - (recorded[index] ?? at));
  const heap = await heapOf(context, page);
  await context.close();
  const p95 = quantile(ages, 0.95);
  print(
    `  ${Math.round(rate)} node-steps/s while the page was open; cells were ${Math.round(p95)} ms old (p95)`,
  );
  return [
    { name: 'event recorded to cell drawn, p95', value: p95, unit: 'ms', goal: { atMost: 1_000 } },
    { name: 'node-steps meanwhile', value: rate, unit: 'per second' },
    { name: 'heap of the page after the task', value: heap, unit: 'MB', goal: { atMost: 150 } },
  ];
}

/** When each run of a task succeeded, in milliseconds since 1970, in the order of the wall. */
async function successTimes({ rig }: NoopRig, id: number): Promise<number[]> {
  interface History {
    rows: { at: string; event: string; data: { nsid?: number } }[];
    next: string | null;
  }
  const times = new Map<number, number>();
  let cursor: string | null = '';
  while (cursor !== null) {
    const path = `/task/${id}/history?limit=1000${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const answer: { data: History } = await rig.api.call<History>(path, undefined, 'GET');
    for (const { at, event, data } of answer.data.rows)
      if (event === 'node_succeeded' && data.nsid !== undefined) times.set(data.nsid, Date.parse(at));
    cursor = answer.data.next;
  }
  return [...times].sort(([one], [other]) => one - other).map(([, at]) => at);
}

const SURFACES = [
  { name: 'grid', query: '?cell=16', wheel: '[role=grid]' },
  { name: 'table', query: '?view=table', wheel: '[role=grid]' },
  { name: 'log', query: '?tab=log', wheel: '[role=tabpanel]' },
] as const;

/** The time between two pictures while a surface is scrolled. */
async function scrolling(browser: Browser, noop: NoopRig, id: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name, query, wheel } of SURFACES) {
    const context = await browser.newContext({ viewport: SIZE });
    const page = await context.newPage();
    await page.goto(addressOf(noop, `task/${id}${query}`));
    const surface = page.locator(wheel).first();
    await surface.waitFor();
    await sleep(1_000);
    const box = await surface.boundingBox();
    if (!box) throw new Error(`the ${name} is not in sight`);
    await page.mouse.move(box.x + box.width / 2, Math.min(box.y + box.height / 2, SIZE.height - 50));
    const frames = page.evaluate(
      (ms) =>
        new Promise<number[]>((resolve) => {
          const found: number[] = [];
          const began = performance.now();
          let before = began;
          const next = (now: number): void => {
            found.push(now - before);
            before = now;
            if (now - began < ms) requestAnimationFrame(next);
            else resolve(found.slice(2));
          };
          requestAnimationFrame(next);
        }),
      SCROLL_MS,
    );
    const until = performance.now() + SCROLL_MS;
    while (performance.now() < until) {
      await page.mouse.wheel(0, 400);
      await sleep(16);
    }
    const p95 = quantile(await frames, 0.95);
    print(`  scrolling the ${name}: p95 frame ${p95.toFixed(1)} ms`);
    figures.push({
      name: `frame while the ${name} is scrolled, p95`,
      value: p95,
      unit: 'ms',
      goal: { atMost: 20 },
    });
    await context.close();
  }
  return figures;
}

/** What is alive in the page's memory, in MB. */
async function heapOf(context: BrowserContext, page: Page): Promise<number> {
  const session = await context.newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize / 1_000_000;
}

/**
 * Processor time of the whole system for a task, with and without pages that follow it, in turns. The pages are their requests and
 * streams: the browsers of fifty people do not run on the system's machine.
 */
async function openPages(noop: NoopRig): Promise<Figure[]> {
  const without: number[] = [];
  const with_: number[] = [];
  await taskCost(noop, 0);
  for (let round = 0; round < ROUNDS; round++) {
    without.push(await taskCost(noop, 0));
    with_.push(await taskCost(noop, PAGES));
  }
  const ratio = sum(with_) / sum(without);
  print(`  a task costs ${shown(without)} s of processor time, with ${PAGES} pages open ${shown(with_)} s`);
  return [
    {
      name: `processor time with ${PAGES} task pages open`,
      value: ratio,
      unit: 'times that without',
      goal: { atMost: 1.05 },
    },
  ];
}

/** Seconds of processor time of all processes of the system, from the start of a task to its end. */
async function taskCost(noop: NoopRig, pages: number): Promise<number> {
  const { rig } = noop;
  const id = await startTask(noop, { auto: false });
  const ending = new AbortController();
  const streams = await Promise.all(
    Array.from({ length: pages }, () => openAsPage(rig.stack.httpUrl, id, ending.signal)),
  );
  const cpu = async (): Promise<number> => {
    let all = 0;
    for (const { name, pid } of rig.stack.processes) {
      if (pid === undefined) throw new Error(`${name} does not run`);
      all += (await usageOf(pid)).cpu;
    }
    return all;
  };
  const before = await cpu();
  await rig.api.ok(`/task/start/${id}`, {});
  await rig.fleet.ended(id, TASK_TIMEOUT_MS);
  const used = (await cpu()) - before;
  ending.abort();
  const bytes = sum(await Promise.all(streams.map(({ received }) => received)));
  if (pages > 0 && bytes < pages * 10_000)
    throw new Error(`the streams of the pages had only ${bytes} bytes`);
  return used;
}

/** Does what an open task page does: reads the task, its wall and its reason, and follows both topics. */
async function openAsPage(
  url: string,
  id: number,
  signal: AbortSignal,
): Promise<{ received: Promise<number> }> {
  const read = async (path: string): Promise<{ data: { cursor?: string } }> =>
    (await fetch(`${url}${path}`, { headers: { 'accept-encoding': 'gzip' } })).json() as Promise<{
      data: { cursor?: string };
    }>;
  const [, grid] = await Promise.all([
    read(`/task/${id}`),
    read(`/task/${id}/grid`),
    read(`/task/${id}/why`),
  ]);
  const topics = encodeURIComponent(`grid:${id}@${grid.data.cursor},task:${id}`);
  const answer = await fetch(`${url}/live?topics=${topics}`, {
    signal,
    headers: { accept: 'text/event-stream' },
  });
  if (!answer.ok || !answer.body) throw new Error(`/live answered ${answer.status}`);
  const { body } = answer;
  const read_ = async (): Promise<number> => {
    let bytes = 0;
    try {
      for await (const chunk of body) bytes += (chunk as Uint8Array).length;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return bytes;
  };
  return { received: read_() };
}

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
const shown = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join(' and ');

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
