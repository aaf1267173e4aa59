import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { waitFor } from '@rigel/testing';
import type { Page } from 'playwright-core';
import t from 'tap';
import type { TaskInfo } from '../support/api.js';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { axeFindings, looksRight, type Opening, openings, openPage, startBrowser } from './browser.js';
import { tabTo } from './person.js';

/* A new task from its form to its end, and what an operator does with a task: each bound to what was shown. */

const run = promisify(execFile);
const rig = await startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;
const [ann, bob, eve] = await Promise.all([
  createToken(rig.stack.databaseUrl, 'ann', 'admin'),
  createToken(rig.stack.databaseUrl, 'bob', 'operator'),
  createToken(rig.stack.databaseUrl, 'eve', 'viewer'),
]);
const api = rig.client(`Bearer ${ann.token}`);
const fleet = new Fleet(api);

const nodes = loopbackNodes(16, rig.sshd.port);
const { poolId } = await fleet.pool(nodes);
/** A command that is found on the node by its number of seconds, and by nothing else on this machine. */
const SECONDS = 86_000 + (process.pid % 399);
const words = await fleet.template({
  greet: {
    command: 'echo {{word}} {{count}}; test {{count}} != 13',
    params: { word: 'string', count: 'integer' },
    values: { count: 1 },
    options: { allowed_secrets: { word: ['db-password'] } },
  },
});
const failing = await fleet.template({ prepare: { command: 'true' }, start_service: { command: 'exit 3' } });
const long = await fleet.template({ work: { command: `sleep ${SECONDS}` } });
const short = await fleet.template({ work: { command: 'sleep 1' } });

async function signedIn(path: string, who: { token: string }, opening: Opening = {}) {
  const opened = await openPage(browser, console + path, opening);
  await opened.page.locator('input[type="password"]').fill(who.token);
  await opened.page.keyboard.press('Enter');
  await opened.page.getByRole('heading', { level: 1 }).filter({ hasNotText: 'Rigel' }).waitFor();
  return opened;
}

/** The browser says itself that it was answered with 401 before anybody signed in, and with 400 where a request is refused. */
const unexpected = (faults: readonly string[]) => faults.filter((text) => !/status of 40[01]/.test(text));

async function read<Data>(path: string): Promise<Data> {
  const { data } = await api.call<Data>(path, undefined, 'GET');
  return data;
}

const taskOf = (page: Page): number => Number(/\/task\/(\d+)/.exec(page.url())?.[1]);
/** The node runs of a task. */
async function runsOf(id: number) {
  const { rows } = await read<{ rows: { ip: string; state: number }[] }>(`/task/${id}/runs?limit=1000`);
  return rows;
}

t.test('a task is made by keyboard alone, with exactly what the plan showed', async (t) => {
  const { page, faults, close } = await signedIn('tasks', bob);
  await tabTo(page, page.getByRole('button', { name: 'New task' }));
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByRole('combobox', { name: 'Template' }));
  const { name } = await api.ok<{ name: string }>(`/task_tpl/${words}`);
  await page.keyboard.type(name);
  await page.getByRole('option', { name }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(new RegExp(`template=${words}`));
  await tabTo(page, page.getByRole('radio', { name: 'of pools' }));
  // Past “by labels” to “from a list”.
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await tabTo(page, page.getByRole('textbox', { name: 'Addresses' }));
  await page.keyboard.type(`${nodes[0]}; ${nodes[1]}, 10.255.0.1`);
  await page.getByText('1 address belongs to no node').waitFor();
  const start = page.getByRole('button', { name: /^Start/ });
  t.match(await start.getAttribute('title'), /a value for word/, 'what is missing is said');
  await tabTo(page, page.getByRole('textbox', { name: 'word · text' }));
  await page.keyboard.type(`'; touch /tmp/never #`);
  await tabTo(page, page.getByRole('textbox', { name: 'Most nodes at once' }));
  await page.keyboard.type('1');
  await page.getByText('in 2 batches of up to 1').waitFor();
  t.match(page.url(), /max_num=1/, 'a colleague gets the same form by its address');
  await tabTo(page, page.getByRole('button', { name: 'Start on 2 nodes' }));
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/task\/\d+/);
  const id = taskOf(page);
  await fleet.ended(id);
  const task = await read<TaskInfo & { options: { param_values: object }[] }>(`/task/${id}`);
  t.equal(task.end_reason, 'completed');
  t.equal(task.step_len, 1);
  t.strictSame(task.options[0]?.param_values, { word: `'; touch /tmp/never #`, count: 1 });
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('a link shows the same form, and values of an earlier task are taken', async (t) => {
  const task = await fleet.startTask(words, [nodes[0] ?? ''], {
    params: { word: 'as before', count: 7 },
    max_fail_num: 3,
  });
  await fleet.ended(task);
  const { page, faults, close } = await signedIn(`tasks/new?template=${words}&pool=${poolId}`, bob);
  await page.getByText('16 nodes').first().waitFor();
  await page.getByRole('combobox', { name: 'As last time' }).fill(`#${task}`);
  await page.getByRole('option').first().click();
  const word = page.getByRole('textbox', { name: 'word · text' });
  await waitFor(async () => (await word.inputValue()) === 'as before', { what: 'the value is taken' });
  t.equal(await page.getByRole('textbox', { name: 'count · whole number' }).inputValue(), '7');
  t.equal(await page.getByRole('textbox', { name: 'Failed nodes that it tolerates' }).inputValue(), '3');
  await page.waitForURL(/params=/);
  await page.reload();
  await page.getByRole('button', { name: 'Start on 16 nodes' }).waitFor();
  t.equal(await word.inputValue(), 'as before');
  // Secrets are names that the template allows, and nothing else.
  await page.getByRole('button', { name: /Kind of word/ }).click();
  t.strictSame(await page.getByRole('option').allTextContents(), ['Text', 'Secret db-password']);
  await page.getByRole('option', { name: 'Secret db-password' }).click();
  await page.getByText('secret db-password').first().waitFor();
  await page.getByRole('link', { name: 'Fleet' }).click();
  const ask = page.getByRole('dialog', { name: 'Leave the page?' });
  // The focus is in the dialog: before, the key would go to the page.
  await ask.locator(':focus').waitFor();
  await page.keyboard.press('Escape');
  await ask.waitFor({ state: 'detached' });
  t.match(page.url(), /tasks\/new/);
  await page.getByRole('link', { name: 'Fleet' }).click();
  await ask.getByRole('button', { name: 'Leave' }).click();
  await page.waitForURL(/\/fleet/);
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('a plan that changed meanwhile is refused, and what changed is shown', async (t) => {
  const before = await read('/task/find?limit=1');
  const path = `tasks/new?template=${words}&nodes=${nodes[2]}&params=${encodeURIComponent('{"word":"x"}')}`;
  const { page, faults, close } = await signedIn(path, bob);
  const start = page.getByRole('button', { name: 'Start on 1 node' });
  await start.waitFor();
  const template = await api.ok<{ steps: { param_values: object }[] }>(`/task_tpl/${words}`);
  const steps = template.steps.map((step) => ({ ...step, param_values: { count: 2 } }));
  await api.ok(`/task_tpl/update/${words}`, { steps });
  await start.click();
  const alert = page.getByRole('alert').filter({ hasText: 'count' });
  await alert.waitFor();
  t.strictSame(await read('/task/find?limit=1'), before, 'nothing was made');
  await alert.getByRole('button').click();
  await start.click();
  await page.waitForURL(/\/task\/\d+/);
  await fleet.ended(taskOf(page));
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('only the nodes that failed alike are tried again, under a new budget', async (t) => {
  const id = await fleet.startTask(failing, nodes.slice(0, 6), { max_num: 3, max_fail_num: 2 });
  await fleet.ended(id);
  t.strictSame(
    (await runsOf(id)).map(({ state }) => state),
    [3, 3, 3, 4, 4, 4],
  );
  const { page, faults, close } = await signedIn(`task/${id}?tab=failures`, bob);
  await page.getByRole('button', { name: 'Retry only these…' }).click();
  const dialog = page.getByRole('dialog', { name: `Retry nodes of task ${id}` });
  await dialog.getByRole('textbox', { name: /tolerates/ }).fill('5');
  await dialog.getByText('3 halted').waitFor();
  await dialog.getByRole('button', { name: 'Retry 3 nodes' }).click();
  await dialog.waitFor({ state: 'detached' });
  await fleet.ended(id);
  const runs = await runsOf(id);
  t.strictSame(
    runs.map(({ state }) => state),
    [3, 3, 3, 4, 4, 4],
  );
  const log = await api.ok<{ message: string }[]>(`/task/${id}/log`);
  t.ok(
    log.some(({ message }) => /bob/.test(message)),
    'the log says who did it',
  );
  // The same nodes in a new task.
  await page.getByRole('link', { name: 'New task over them…' }).click();
  await page.getByText('3 nodes').first().waitFor();
  await page.getByRole('button', { name: 'Start on 3 nodes' }).waitFor();
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('a pause is undone: exactly what it halted goes on', async (t) => {
  const id = await fleet.startTask(short, nodes.slice(6, 12), { max_num: 1 });
  const { page, faults, close } = await signedIn(`task/${id}`, bob);
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await waitFor(async () => (await api.task(id)).state === 4, { what: 'the task is paused' });
  const undo = page.getByRole('button', { name: /^Undo/ });
  await undo.waitFor();
  await undo.click();
  await waitFor(async () => (await api.task(id)).state === 1, { what: 'the task runs again' });
  t.equal((await fleet.ended(id)).end_reason, 'completed');
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('a stop proves itself: nothing of it runs on any node', async (t) => {
  const id = await fleet.startTask(long, nodes.slice(12, 15));
  const sleeping = async (): Promise<number> => {
    const { stdout } = await run('pgrep', ['-c', '-f', `^sleep ${SECONDS}$`]).catch(() => ({ stdout: '0' }));
    return Number(stdout);
  };
  await waitFor(async () => (await sleeping()) === 3, { what: 'the commands run' });
  // By the search: it opens the dialog, and runs nothing.
  const { page, faults, close } = await signedIn('tasks', bob);
  await page.keyboard.press('Control+k');
  await page.keyboard.type(`stop #${id}`);
  await page.getByRole('option', { name: `Stop task #${id} ` }).waitFor();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: `Stop task ${id} for good?` });
  await dialog.getByText(nodes[12] ?? '').waitFor();
  t.equal((await api.task(id)).state, 1, 'nothing was done');
  await dialog.getByRole('textbox', { name: 'Reason (optional)' }).fill('wrong <b>version</b>');
  await dialog.getByRole('button', { name: 'Stop 3 running nodes' }).click();
  await page.getByText('Nothing of it runs on any node.').waitFor();
  t.equal(await sleeping(), 0);
  await page.getByText('wrong <b>version</b>').first().waitFor();
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('several tasks are stopped in one dialog, with a result for each', async (t) => {
  const name = `many-${process.pid}`;
  const first = await fleet.startTask(long, [nodes[12] ?? ''], { task_name: `${name}-1` });
  const second = await fleet.startTask(failing, [nodes[13] ?? ''], { task_name: `${name}-2` });
  await fleet.ended(second);
  const { page, faults, close } = await signedIn(`tasks?q=${name}`, bob);
  await page.getByRole('row').nth(2).waitFor();
  for (const row of [1, 2]) {
    await page.getByRole('row').nth(row).focus();
    await page.keyboard.press('x');
  }
  await page.getByText('2 tasks selected').waitFor();
  await page.getByRole('button', { name: 'Stop…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Stop 2 tasks for good?' });
  await dialog.getByText('it is over').waitFor();
  t.strictSame(await axeFindings(page), []);
  const confirm = dialog.getByRole('button', { name: 'Stop 1 running node of 1 task' });
  await confirm.click();
  await dialog.getByText('stopped', { exact: true }).waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  // The same two beside each other.
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.getByText('1 only here').waitFor();
  t.match(page.url(), new RegExp(`with=${first}`));
  t.strictSame(await axeFindings(page), []);
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('a filter of tasks has a name in this browser', async (t) => {
  const { page, faults, close } = await signedIn('tasks?state=3', bob);
  await page.getByRole('button', { name: 'Save this filter…' }).click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('broken ones');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Forget this filter' }).waitFor();
  await page.goto(`${console}tasks`);
  await page.getByRole('button', { name: /Saved filter/ }).click();
  await page.getByRole('option', { name: 'broken ones' }).click();
  await page.waitForURL(/state=3/);
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('a viewer sees every control, and why it does nothing', async (t) => {
  const id = await fleet.startTask(failing, [nodes[15] ?? '']);
  await fleet.ended(id);
  const { page, faults, close } = await signedIn(`task/${id}?tab=failures`, eve);
  const retry = page.getByRole('button', { name: 'Retry only these…' });
  await retry.waitFor();
  t.match(await retry.getAttribute('title'), /operator/);
  await page.getByRole('button', { name: 'More actions' }).click();
  t.match(await page.getByRole('menuitem').first().textContent(), /operator/);
  t.strictSame(await axeFindings(page), []);
  await page.keyboard.press('Escape');
  const values = encodeURIComponent('{"word":"x"}');
  await page.goto(`${console}tasks/new?template=${words}&nodes=${nodes[0]}&params=${values}`);
  const start = page.getByRole('button', { name: 'Start on 1 node' });
  await start.waitFor();
  t.equal(await start.getAttribute('aria-disabled'), 'true');
  t.match(await start.getAttribute('title'), /operator/);
  t.strictSame(unexpected(faults), []);
  await close();
});

const full = `tasks/new?template=${words}&pool=${poolId}&max_num=x&params=${encodeURIComponent('{"word":{"secret":"db-password"},"stray":1}')}`;
for (const [path, isPlanned] of [
  ['tasks/new', false],
  [full, false],
  [full.replace('&max_num=x', '').replace('%2C%22stray%22%3A1', ''), true],
] as const) {
  t.test(`/console/${path} is sound`, async (t) => {
    for (const opening of openings()) {
      const { page, faults, close } = await signedIn(path, ann, opening);
      await page.getByRole('heading', { level: 2 }).nth(3).waitFor();
      if (isPlanned) await page.getByText(/^(plan|计划) [0-9a-f]{8}/).waitFor();
      const name = `${path} ${JSON.stringify(opening)}`;
      await looksRight(t, page, unexpected(faults), name);
      await close();
    }
  });
}
