/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { looksRight, openings, openPage, startBrowser } from './browser.js';

const NODES = 10_000;
const rig = await startRig({
  executors: 1,
  fastDatabase: true,
  env: { executor: { RIGEL_EXECUTOR_CAPABILITIES: 'ssh,noop', RIGEL_EXECUTOR_SLOTS: '200' } },
});
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;

const addresses = Array.from({ length: NODES }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
await rig.fleet.pool(addresses);
const noop = { command: '', type: 'noop' };
const wide = await rig.fleet.template({ unregister: noop, start_service: noop, register: noop });
const large = await rig.fleet.startTask(wide, addresses, { max_num: 100 });
const ssh = loopbackNodes(12, rig.sshd.port);
await rig.fleet.pool(ssh);
const failing = await rig.fleet.template({
  prepare: { command: 'true' },
  start_service: { command: 'exit 3' },
});
const failed = await rig.fleet.startTask(failing, ssh.slice(0, 9), { task_name: 'broken <b>task</b>' });
const waiting = await rig.fleet.startTask(failing, ssh.slice(9), { auto: false });
await rig.fleet.ended(failed);

const grid = (page: Page) => page.getByRole('grid', { name: /cells/ });
/** The words for the cell that has the focus. */
const cell = (page: Page) => grid(page).getByRole('gridcell').textContent();
/** Until the cell's words are those that are expected. */
const cellSays = (page: Page, words: RegExp) =>
  grid(page).getByRole('gridcell').filter({ hasText: words }).waitFor({ state: 'attached' });

t.test('a wall of ten thousand nodes costs few requests, few bytes and few elements', async (t) => {
  await rig.fleet.ended(large, 120_000);
  const { page, context, faults, close } = await openPage(browser, `${console}no/such/page`);
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  const paths = new Map<string, string>();
  const bytes = new Map<string, number>();
  session.on('Network.requestWillBeSent', ({ requestId, request }) => paths.set(requestId, request.url));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) =>
    bytes.set(requestId, encodedDataLength),
  );
  paths.clear();
  bytes.clear();
  await page.goto(`${console}task/${large}`);
  await page.getByText('10,000').first().waitFor();
  await grid(page).waitFor();
  await cellSays(page, /10\.0\.0\.0 · batch 1 · succeeded · register/);
  const asked = [...paths].filter(([, url]) => !url.startsWith(console));
  t.ok(asked.length <= 6, asked.map(([, url]) => url).join(' '));
  const sum = asked.reduce((all, [id]) => all + (bytes.get(id) ?? 0), 0);
  t.ok(sum > 1_000 && sum <= 120 * 1_024, `${sum} bytes`);
  const elements = await page.evaluate(() => document.querySelectorAll('*').length);
  t.ok(elements <= 5_000, `${elements} elements`);
  for (const tab of ['Batches', 'Log', 'Plan', 'Failures', 'Why', 'Nodes']) {
    await page.getByRole('tab', { name: tab }).click();
    await page.getByRole('tabpanel').first().waitFor();
    const now = await page.evaluate(() => document.querySelectorAll('*').length);
    t.ok(now <= 5_000, `${tab}: ${now} elements`);
  }
  t.strictSame(faults, []);
  await close();
});

t.test('the wall by keyboard alone: find, failed ones, select, open, close', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}task/${large}?cell=4`);
  await grid(page).focus();
  await page.keyboard.press('ArrowDown');
  await cellSays(page, /^10\.0\.0\.100 · batch 2/);
  await page.keyboard.press('End');
  await cellSays(page, /^10\.0\.0\.199 /);
  await page.keyboard.press('ArrowRight');
  await cellSays(page, /^10\.0\.0\.200 · batch 3/);
  await page.getByRole('searchbox').fill('10.0.39.15');
  await page.keyboard.press('Enter');
  await cellSays(page, /^10\.0\.39\.15 · batch 100/);
  await page.goto(`${console}task/${failed}`);
  await grid(page).focus();
  await page.keyboard.press('n');
  await cellSays(page, /failed · start_service-.*, attempt 1/);
  const first = await cell(page);
  await page.keyboard.press('n');
  t.not(await cell(page), first, 'another failed one');
  await page.keyboard.press('N');
  t.equal(await cell(page), first);
  await page.keyboard.press('Space');
  await page.getByText('1 selected').waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('complementary').getByText('exit status 3').first().waitFor();
  t.match(page.url(), /node=\d+/);
  await page.reload();
  await page.getByRole('complementary').getByText('exit status 3').first().waitFor();
  await page.getByRole('complementary').getByRole('button').last().focus();
  await page.keyboard.press('Escape');
  await page.getByRole('complementary').waitFor({ state: 'detached' });
  t.notMatch(page.url(), /node=/);
  t.strictSame(faults, []);
  await close();
});

t.test('the wall follows what happens, and no cell moves', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}task/${waiting}?order=state`);
  await grid(page).focus();
  await cellSays(page, /waiting/);
  const address = (await cell(page))?.split(' ')[0];
  await rig.api.ok(`/task/start/${waiting}`, {});
  await cellSays(page, /failed/);
  t.equal((await cell(page))?.split(' ')[0], address);
  t.strictSame(faults, []);
  await close();
});

t.test('failures alike are one group, whose nodes stand in the table', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}task/${failed}?tab=failures`);
  await page.getByText('exit status 3').first().waitFor();
  t.equal(await page.getByRole('tabpanel').getByRole('heading', { level: 3 }).count(), 1);
  await page.getByRole('link', { name: 'Show as table' }).click();
  const table = page.getByRole('grid', { name: 'Nodes' });
  await table.getByRole('row').nth(9).waitFor();
  t.equal(await table.getAttribute('aria-rowcount'), '10');
  t.match(page.url(), /view=table/);
  await page.getByRole('button', { name: /Remove the filter Reason/ }).click();
  t.notMatch(page.url(), /reason=/);
  t.strictSame(faults, []);
  await close();
});

t.test('tasks by filters that the address keeps', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}tasks?state=3`);
  await page.getByRole('link', { name: 'broken <b>task</b>' }).waitFor();
  t.equal((await page.getByText(/task-\d/).count()) > 1, false, 'the one that succeeded is not there');
  await page.getByRole('button', { name: /Remove the filter State/ }).click();
  await page.getByText(`#${large}`, { exact: true }).waitFor();
  await page.getByRole('searchbox').fill(`#${failed}`);
  await page.getByText(`#${large}`, { exact: true }).waitFor({ state: 'detached' });
  t.match(page.url(), new RegExp(`q=%23${failed}`));
  await page.getByRole('link', { name: 'broken <b>task</b>' }).click();
  await page.getByRole('heading', { level: 1, name: /broken/ }).waitFor();
  t.strictSame(faults, []);
  await close();
});

const paths = [
  'tasks',
  ...['nodes', 'batches', 'failures', 'why', 'log', 'plan'].map((tab) => `task/${failed}?tab=${tab}`),
  `task/${failed}?view=table&state=3`,
  'task/999999',
  'task/x',
];
for (const path of paths) {
  t.test(`/console/${path} is sound`, async (t) => {
    for (const opening of openings()) {
      const { page, faults, close } = await openPage(browser, console + path, opening);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForLoadState('load');
      const name = `${path} ${JSON.stringify(opening)}`;
      if (/task\/\d/.test(path) && !path.includes('999999')) await page.getByRole('tab').first().waitFor();
      // The browser itself notes that the API refused to read a task that there is not.
      await looksRight(t, page, path.endsWith('999999') ? [] : faults, name);
      await close();
    }
  });
}
