/// <reference lib="dom" />
import { waitFor } from '@rigel/testing';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { startRig } from '../support/rig.js';
import { axeFindings, looksRight, openings, openPage, startBrowser } from './browser.js';
import { Ingress } from './ingress.js';

const rig = await startRig({ executors: 1, fastDatabase: true });
const browser = await startBrowser();

const ingress = await Ingress.start(rig.stack.httpUrl);
const { console } = ingress;
t.teardown(async () => {
  await browser.close();
  await ingress.close();
  await rig.stop();
});

const dot = (page: Page) => page.locator('[data-live]');
const isState = (page: Page, state: string) => page.locator(`[data-live="${state}"]`).waitFor();
const heading = (page: Page, name: string | RegExp) =>
  page.getByRole('heading', { level: 2, name }).waitFor();

/** Opens pages as in production, and looks whether they are sound. */
async function sound(t: Test, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    for (const opening of openings()) {
      const { page, faults, close } = await openPage(browser, console + path, opening);
      await isState(page, 'live');
      await page.getByRole('heading', { level: 2 }).first().waitFor();
      await looksRight(t, page, faults, `${path} ${JSON.stringify(opening)}`);
      await close();
    }
  }
}

t.test('a system without anything: the way to a first task, which ticks off what there is', async (t) => {
  await sound(t, ['']);
  const { page, close } = await openPage(browser, console);
  await heading(page, 'First use');
  await page.locator('[aria-current="step"]', { hasText: 'A cluster' }).waitFor();
  await rig.api.ok('/cluster/create', { name: 'lab', desc: '', biz: '1' });
  await page.locator('[aria-current="step"]', { hasText: 'A service' }).waitFor();
  t.pass('without a reload');
  await close();
});

t.test('a system at work: what needs somebody, at once', async (t) => {
  const { page, close } = await openPage(browser, console);
  await heading(page, 'First use');
  const { poolId } = await rig.fleet.pool(['10.9.8.7', '10.9.8.8']);
  const template = await rig.fleet.template({ restart: { command: 'true' } });
  const id = await rig.fleet.startTask(template, ['10.9.8.7'], { task_name: 'later', auto: false });
  await heading(page, 'Needs you 1');
  const item = page.getByRole('listitem').filter({ hasText: `#${id}` });
  t.match(await item.textContent(), /later[\s\S]*it waits until somebody starts it[\s\S]*1 node/);
  t.equal(await page.getByRole('heading', { name: 'First use' }).count(), 0);
  await item.getByRole('button', { name: /^Set aside/ }).click();
  await heading(page, /^Needs you$/);
  await page.reload();
  await page.getByText('1 set aside').waitFor();
  await close();
  await sound(t, ['', 'system']);
  t.ok(poolId > 0);
});

t.test('a tab that has its lock late is not taken for closed', async (t) => {
  const context = await browser.newContext();
  await context.addInitScript(() => {
    const { locks } = navigator;
    const request = locks.request.bind(locks) as (name: string, use: () => unknown) => Promise<unknown>;
    Object.defineProperty(locks, 'request', {
      value: (name: string, use: () => unknown) =>
        new Promise((resolve) => setTimeout(resolve, 500)).then(() => request(name, use)),
    });
  });
  const page = await context.newPage();
  await page.goto(console);
  await isState(page, 'live');
  await rig.api.ok('/cluster/create', { name: 'late-lock', desc: '', biz: '1' });
  await page.getByRole('link', { name: 'late-lock' }).waitFor();
  ingress.cutStreams();
  await isState(page, 'reconnecting');
  await isState(page, 'live');
  t.pass('it hears of what happens to the connection');
  await context.close();
});

t.test('two tabs have one connection; it goes on through faults, and the page says so', async (t) => {
  const before = ingress.opened;
  const { page, context, close } = await openPage(browser, console);
  await isState(page, 'live');
  const other = await context.newPage();
  await other.goto(`${console}`);
  await isState(other, 'live');
  t.equal(ingress.open.size, 1, 'one stream for both');
  t.equal(ingress.opened, before + 1, 'and no other');

  // The ingress goes away, and comes back with other connections.
  await ingress.close();
  await Promise.all([isState(page, 'reconnecting'), isState(other, 'reconnecting')]);
  await page.locator('[data-stale]').waitFor();
  await ingress.listen();
  await Promise.all([isState(page, 'live'), isState(other, 'live')]);
  await rig.api.ok('/cluster/create', { name: 'after', desc: '', biz: '1' });
  for (const one of [page, other]) await one.getByRole('link', { name: 'after' }).waitFor();
  await waitFor(async () => (await page.locator('[data-stale]').count()) === 0, {
    what: 'the page is fresh',
  });

  // Streams are refused: the page polls, and says so.
  ingress.refusals = [{ path: /^\/live$/, status: 503 }];
  ingress.cutStreams();
  await isState(page, 'polling');
  await rig.api.ok('/cluster/create', { name: 'polled', desc: '', biz: '1' });
  await page.getByRole('link', { name: 'polled' }).waitFor();
  ingress.refusals = [];
  await isState(page, 'live');
  await close();
  await waitFor(() => ingress.open.size === 0, { what: 'nothing is followed for no tab' });
});

t.test(
  'without a shared worker one tab holds the connection; when it closes, another one does',
  async (t) => {
    const context = await browser.newContext();
    await context.addInitScript(() => {
      Reflect.deleteProperty(globalThis, 'SharedWorker');
    });
    const [first, second] = [await context.newPage(), await context.newPage()];
    await first.goto(console);
    await isState(first, 'live');
    await second.goto(console);
    await isState(second, 'live');
    t.equal(ingress.open.size, 1, 'one stream for both');
    await first.close();
    await waitFor(() => ingress.open.size === 1, { what: 'the other tab has a stream' });
    await rig.api.ok('/cluster/create', { name: 'elected', desc: '', biz: '1' });
    await second.getByRole('link', { name: 'elected' }).waitFor();
    await context.close();
  },
);

t.test('the search, by keys alone', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}system`);
  await isState(page, 'live');
  await page.keyboard.press('/');
  const field = page.getByRole('combobox');
  await field.waitFor();
  await page.getByRole('option', { name: /Overview/ }).waitFor();
  await page.keyboard.type('10.9.8.');
  await page.getByRole('option', { name: /10\.9\.8\.8/ }).waitFor();
  t.strictSame(await axeFindings(page), []);
  await page.keyboard.press('Control+A');
  await page.keyboard.type('nothing like it');
  await page.getByText('Nothing has nothing like it').waitFor();
  // A verb before a name offers what can be done with it; only its dialog opens.
  await page.keyboard.press('Control+A');
  await page.keyboard.type('stop later');
  await page.getByRole('option', { name: /Stop task #\d+ later/ }).waitFor();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('overv');
  await page.getByRole('option', { name: /Overview/ }).waitFor();
  await page.keyboard.press('Enter');
  await heading(page, /^Needs you/);
  t.ok(page.url().endsWith('/console/'));
  await page.keyboard.press('Control+K');
  await page.getByText('Opened lately').waitFor();
  await page.keyboard.press('Escape');
  await waitFor(async () => (await field.count()) === 0, { what: 'it is closed' });
  t.strictSame(faults, []);
  t.equal(await dot(page).count(), 1);
  await close();
});
