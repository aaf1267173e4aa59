import { allowSudo, canAllowSudo } from '@rigel/remote-attempt/testing';
import { waitFor } from '@rigel/testing';
import type { Page } from 'playwright-core';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { stubbornCommand } from '../support/stubborn-command.js';
import { axeFindings, openPage, startBrowser } from './browser.js';
import { Ingress } from './ingress.js';

/* Actions that ask more than once: over many nodes, with old numbers, on a node whose command may still run. */

/** More than 500 ask for their number to be typed. */
const NODES = 600;

const rig = await startRig({
  executors: 1,
  fastDatabase: true,
  env: {
    executor: { RIGEL_STOP_GRACE: '1', RIGEL_EXECUTOR_CAPABILITIES: 'ssh,noop' },
    scheduler: { RIGEL_RETRY_DELAY: '0.2' },
  },
});
const browser = await startBrowser();
const ingress = await Ingress.start(rig.stack.httpUrl);
t.teardown(async () => {
  await browser.close();
  await ingress.close();
  await rig.stop();
});
const { fleet, api } = rig;
const console = `${rig.stack.httpUrl}/console/`;

// After its first step a node waits, at work, for an executor that registers it: there is none.
const first = await fleet.template({ wait: { command: '', type: 'noop' } });
const { steps } = (await api.call<{ steps: object[] }>(`/task_tpl/${first}`, undefined, 'GET')).data;
const retry = { retry_times: 0, ignore_error: false };
const register = { name: 'register', param_values: { service_discovery_id: 1 }, retry };
const template = await api.ok<number>('/task_tpl/create', {
  name: 'wait-and-register',
  desc: '',
  steps: [...steps, register],
});
let tasks = 0;
async function newTask(nodes: number): Promise<number> {
  tasks++;
  const addresses = Array.from({ length: nodes }, (_, n) => `10.${tasks}.${n >> 8}.${n & 255}`);
  await fleet.pool(addresses);
  return fleet.startTask(template, addresses, { auto: false });
}
const running = (id: number, count: number) =>
  waitFor(async () => (await api.task(id)).stat[1] === count, { what: `${count} nodes of task ${id} run` });
const isOver = (id: number) =>
  waitFor(async () => (await api.task(id)).end_reason === 'stopped', { what: `task ${id} is stopped` });

/** The button that acts cannot be pressed before the word is typed, and does nothing then. */
async function typeAndPress(page: Page, button: string, field: string, word: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  const act = dialog.getByRole('button', { name: button });
  await act.waitFor();
  const input = dialog.getByRole('textbox', { name: field });
  await input.fill('601');
  // A press just after the dialog has appeared was meant for what lay under it.
  await page.waitForTimeout(450);
  t.equal(await act.getAttribute('aria-disabled'), 'true', `${button}: not with another number`);
  t.match(await act.getAttribute('title'), word, 'and it says which');
  await act.click({ force: true });
  await input.press('Enter');
  t.ok(await dialog.isVisible(), 'nothing is done');
  t.strictSame(await axeFindings(page), []);
  await input.fill(word);
  await act.click();
  await dialog.waitFor({ state: 'detached' });
}

t.test('a start and a stop of more than 500 nodes ask for their number', async (t) => {
  const id = await newTask(NODES);
  const { page, faults, close } = await openPage(browser, `${console}task/${id}`);
  await page.getByRole('button', { name: 'Start…' }).first().click();
  await typeAndPress(page, 'Start 600 nodes', 'Type the number of nodes, 600, to confirm', '600');
  await running(id, NODES);
  await page.getByText('600 running').first().waitFor();
  await page.getByRole('button', { name: 'Stop…' }).first().click();
  await typeAndPress(page, 'Stop 600 running nodes', 'Type 600 to confirm', '600');
  await isOver(id);
  t.strictSame(faults, []);
  await close();
});

t.test('several tasks with more than 500 nodes together ask for the sum, once', async (t) => {
  const ids = [await newTask(NODES / 2), await newTask(NODES / 2)];
  const { page, faults, close } = await openPage(browser, `${console}tasks`);
  const select = async () => {
    for (const id of ids) {
      const row = page.getByRole('row').filter({ has: page.locator(`a[href$="/task/${id}"]`) });
      await row.locator('label').first().click();
    }
  };
  await select();
  await page.getByRole('button', { name: 'Start…' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Type 600 to confirm' }).fill('600');
  const start = dialog.getByRole('button', { name: /^Start .*600/ });
  await start.click();
  await dialog.getByRole('button', { name: 'Close' }).click();
  for (const id of ids) await running(id, NODES / 2);
  await page.getByRole('button', { name: 'Stop…' }).click();
  const stop = dialog.getByRole('button', { name: /^Stop .*600/ });
  await stop.waitFor();
  await page.waitForTimeout(450);
  t.equal(await stop.getAttribute('aria-disabled'), 'true');
  // The list may have shown fewer of them when the dialog opened.
  const field = dialog.locator('label', { hasText: /^Type \d+ to confirm$/ });
  const [sum = ''] = /\d+/.exec((await field.textContent()) ?? '') ?? [];
  t.ok(Number(sum) > 500, sum);
  await dialog.getByRole('textbox', { name: `Type ${sum} to confirm` }).fill(sum);
  await stop.click();
  for (const id of ids) await isOver(id);
  t.strictSame(faults, []);
  await close();
});

t.test('a dialog over old numbers says how old they are, and reads them before it acts', async (t) => {
  const id = await newTask(NODES / 100);
  const context = await browser.newContext({ timezoneId: 'Europe/Berlin' });
  const page = await context.newPage();
  await page.clock.install();
  await page.goto(`${ingress.console}task/${id}`);
  await page.getByRole('button', { name: 'Stop…' }).first().waitFor();
  await page.locator('[data-live="live"]').waitFor();
  const isLive = { path: /^\/live$/, status: 503 };
  ingress.refusals = [isLive, { path: /^\/task\/\d+$/, status: 503 }];
  ingress.cutStreams();
  await page.locator('[data-stale]').first().waitFor();
  await page.getByRole('button', { name: 'Stop…' }).first().click();
  const dialog = page.getByRole('dialog');
  const note = dialog.getByRole('status').filter({ hasText: 'The numbers here are as of' });
  t.match(await note.textContent(), /as of 20.*\(503\)\. They are read again/);
  t.strictSame(await axeFindings(page), []);
  await page.waitForTimeout(450);
  // From here on the page reads nothing by itself.
  await page.clock.pauseAt(Date.now() + 1_000);
  await api.ok(`/task/start/${id}`, {});
  await running(id, 6);
  ingress.refusals = [isLive];
  await dialog.getByRole('button', { name: 'Stop the task' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'not as it was shown' }).waitFor();
  t.equal((await api.task(id)).end_reason, '', 'nothing is done yet');
  await page.clock.resume();
  await note.waitFor({ state: 'detached' });
  await dialog.getByRole('button', { name: 'Stop 6 running nodes' }).click();
  await isOver(id);

  // When nothing can be read, a stop is possible all the same.
  const next = await newTask(3);
  ingress.refusals = [];
  await page.goto(`${ingress.console}task/${next}`);
  await page.getByRole('button', { name: 'Stop…' }).first().waitFor();
  ingress.refusals = [isLive, { path: /^\/task\/\d+$/, status: 503 }];
  ingress.cutStreams();
  await page.locator('[data-stale]').first().waitFor();
  await page.getByRole('button', { name: 'Stop…' }).first().click();
  await note.waitFor();
  await page.waitForTimeout(450);
  await dialog.getByRole('button', { name: 'Stop the task' }).click();
  await isOver(next);
  ingress.refusals = [];
  await context.close();
});

t.test(
  'a node whose command cannot be ended is released by the word of a person',
  { skip: !canAllowSudo && 'only root can let an account use sudo' },
  async (t) => {
    t.teardown(await allowSudo(rig.sshd.user));
    const process = stubbornCommand();
    t.teardown(() => process.kill());
    const nodes = loopbackNodes(1, rig.sshd.port, 120);
    await fleet.pool(nodes);
    const id = await fleet.startTask(await fleet.template({ stubborn: { command: process.command } }), nodes);
    await waitFor(() => process.alive().length === 1, { what: 'the root process runs' });
    await api.ok(`/task/stop/${id}`);
    const { page, faults, close } = await openPage(browser, `${console}task/${id}`);
    const [ip = ''] = nodes;
    const open = page.getByRole('button', { name: `Release ${ip}…` });
    await open.waitFor({ timeout: 60_000 });
    await page.getByText('1 command of it is being ended').waitFor();
    await open.click();
    const dialog = page.getByRole('dialog');
    const release = dialog.getByRole('button', { name: `Release ${ip}`, exact: true });
    await page.waitForTimeout(450);
    t.equal(await release.getAttribute('aria-disabled'), 'true', 'not without a reason');
    t.match(await release.getAttribute('title'), 'Say how it is known.');
    t.strictSame(await axeFindings(page), []);
    await dialog.getByRole('textbox').fill('it is a daemon of ours');
    await release.click();
    await dialog.waitFor({ state: 'detached' });
    t.match(
      (await api.log(id)).map(({ message }) => message).join('\n'),
      /released by .+: it is a daemon of ours/,
    );
    await page.getByText('Nothing of it runs').waitFor();
    await open.waitFor({ state: 'detached' });
    t.strictSame(faults, []);
    await close();
  },
);
