import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateSshKey } from '@rigel/providers/local-machines';
import { waitFor } from '@rigel/testing';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { Fleet, loopbackNodes, uniqueName } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { openPage, startBrowser } from './browser.js';
import { KeyboardPerson } from './person.js';

/*
 * Each main job of the console by keys alone, from its first page to what the API says of its result. Nothing is pressed with a
 * pointer, and no field is filled in but by typing; locators only read what the page says.
 */

const rig = await startRig({
  executors: 1,
  fastDatabase: true,
  env: { gateway: { RIGEL_ACCESS: 'on' }, scheduler: { RIGEL_RETRY_DELAY: '0.1' } },
});
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;
const ann = await createToken(rig.stack.databaseUrl, 'ann', 'admin');
const api = rig.client(`Bearer ${ann.token}`);
const fleet = new Fleet(api);
const { port } = rig.sshd;
const taskOf = (page: Page): number => Number(/\/task\/(\d+)/.exec(page.url())?.[1]);

async function read<Data>(path: string): Promise<Data> {
  const { data } = await api.call<Data>(path, undefined, 'GET');
  return data;
}

/** A page for a person who has only keys; it must have no errors when the job is done. */
async function job(
  t: Test,
  path: string,
  work: (person: KeyboardPerson, page: Page) => Promise<void>,
  by: 'ann' | 'nobody' = 'ann',
): Promise<void> {
  const token = by === 'ann' ? ann.token : undefined;
  const { page, faults, close } = await openPage(browser, console + path, { token });
  await work(new KeyboardPerson(page), page);
  // The browser says itself that a request was refused: before anybody signed in, and for a text that a new action does not have.
  t.strictSame(
    faults.filter((text) => !/status of 40[014]/.test(text)),
    [],
  );
  await close();
}

t.test('one signs in', (t) =>
  job(
    t,
    '',
    async (person, page) => {
      await person.goTo('textbox', 'API token');
      await person.type(ann.token);
      await person.press('Enter');
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
      t.equal((await page.context().cookies()).length, 1);
      await person.use('ann');
      await page.getByText('admin', { exact: true }).waitFor();
      await person.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    },
    'nobody',
  ),
);

t.test('first use: from an empty system to a first task that ran', (t) =>
  job(t, '', async (person, page) => {
    const [first = '', second = ''] = loopbackNodes(2, port);
    await person.use('Fleet', 'link');
    await person.use('New cluster…');
    await person.fill('Name', 'lab');
    await person.use('Create');
    await person.use('New service… lab');
    await person.fill('Name', 'web');
    await person.fill('Kind of service', 'Java');
    await person.use('Create');
    await person.use('New pool… web');
    await person.fill('Name', 'web-pool');
    await person.use('Create');
    await person.use('web-pool', 'link');
    await person.use('Add nodes…');
    await person.fill('Addresses', `${first}; ${second}`);
    await person.use('Check');
    await page.getByText('2 new addresses').waitFor();
    await person.use('Add 2 nodes');
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    await person.open('c', 'Catalog');
    await person.openTab('Actions');
    await person.use('New action…');
    await person.fill('Name', 'greet');
    await person.use('Create');
    await person.fill('New parameter', 'word');
    await person.press('Enter');
    await person.goTo('textbox', 'Text of the action; Tab leaves the editor');
    await person.type('echo {{word}}');
    await person.press('ControlOrMeta+s');
    await person.use(/^Save as version/);
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    await person.search('catalog', /Catalog/);
    await page.getByRole('heading', { name: 'Catalog' }).waitFor();
    await person.openTab('Steps');
    await person.use('New step…');
    await person.fill('Name', 'greet');
    await person.use('Create');
    await person.fill('Actions in running order, one a line', 'greet');
    await person.press('ControlOrMeta+s');
    await person.use(/^Save as version/);
    await page.getByRole('button', { name: /^Save as version/ }).waitFor({ state: 'detached' });
    await person.closeDialog();

    await person.open('c', 'Catalog');
    await person.use('New template…');
    await person.fill('Name', 'greeting');
    await person.use('Create');
    await person.use('Add a step');
    await person.press('ControlOrMeta+s');
    await person.use(/^Save as version/);
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    await person.open('t', 'Tasks');
    await person.use('New task');
    await person.find('Template', 'greeting');
    await person.find(/^Pool/, 'web-pool');
    await person.fill('word · text', 'good morning');
    await person.use('Start on 2 nodes');
    await page.waitForURL(/\/task\/\d+/);
    const task = taskOf(page);
    t.match(await fleet.ended(task), { end_reason: 'completed', stat: [0, 0, 2, 0, 0] });
    await person.open('o', 'Overview');
    await page.getByText('Nothing needs you.').waitFor();
    await page.getByRole('heading', { name: 'First use' }).waitFor({ state: 'detached' });
  }),
);

/** The runs of a task that are in a state. */
async function runsIn(task: number, state: number) {
  const path = `/task/${task}/runs?state=${state}&limit=100`;
  return (await read<{ rows: { id: number; ip: string; state: number }[] }>(path)).rows;
}

t.test('the failed node of ten thousand, its line of output, and a retry of what failed', async (t) => {
  const nodes = [
    ...loopbackNodes(20, port, 100),
    ...Array.from({ length: 9_980 }, (_, n) => `10.1.${n >> 8}.${n & 255}`),
  ];
  await fleet.pool(nodes);
  // Where the user of the nodes can see it.
  const mended = join(tmpdir(), `rigel-mended-${process.pid}`);
  t.teardown(() => rm(mended, { force: true }));
  const full = `echo 'no space left on device'; exit 28`;
  const template = await fleet.template({
    pull: {
      command: `case "$SSH_CONNECTION" in *' 127.10.0.113 '*) test -e ${mended} || { ${full}; };; esac`,
    },
  });
  const task = await fleet.startTask(template, nodes, { max_num: 20, max_fail_num: 0 });
  await fleet.ended(task);
  t.match(await runsIn(task, 3), [{ ip: `127.10.0.113:${port}` }]);
  await job(t, '', async (person, page) => {
    await page.getByText('failed: 1 of 10,000 nodes failed').waitFor();
    await person.use(/^#\d+ task-/, 'link');
    await page.waitForURL(/\/task\/\d+/);
    await person.goTo('grid', /cells/);
    await person.press('n');
    await page
      .getByRole('gridcell')
      .filter({ hasText: /^127\.10\.0\.113.* failed/ })
      .waitFor({ state: 'attached' });
    await person.press('Enter');
    await page.getByRole('log').getByText('no space left on device').waitFor();
    // The link of the line leads a colleague to it.
    await person.goTo('log', /./);
    await person.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });

    await writeFile(mended, '');
    await person.openTab(/^Failures/);
    await person.use('Retry only these…');
    await person.use('Retry 1 node');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const succeeded = async () => (await runsIn(task, 2)).some(({ ip }) => ip === `127.10.0.113:${port}`);
    await waitFor(succeeded, { what: 'the node is tried again, and succeeds' });
  });
});

t.test('a stop proves that nothing of the task runs', async (t) => {
  const seconds = 85_000 + (process.pid % 399);
  const nodes = loopbackNodes(3, port, 200);
  await fleet.pool(nodes);
  const long = await fleet.template({ work: { command: `sleep ${seconds}` } });
  const task = await fleet.startTask(long, nodes);
  const sleeping = async (): Promise<number> => {
    const counted = promisify(execFile)('pgrep', ['-c', '-f', `^sleep ${seconds}$`]);
    return Number((await counted.catch(() => ({ stdout: '0' }))).stdout);
  };
  await waitFor(async () => (await sleeping()) === 3, { what: 'the commands run' });
  await job(t, 'tasks', async (person, page) => {
    await person.goToRow('Tasks', `#${task}`);
    await person.press('Enter');
    await page.waitForURL(/\/task\/\d+/);
    await person.use('Stop…');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Cancel' }).and(page.locator(':focus')).waitFor();
    await person.fill('Reason (optional)', 'wrong version');
    await person.use('Stop 3 running nodes');
    await page.getByText('Nothing of it runs on any node.').waitFor();
    await person.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await person.press(']', ']', '[');
    await page.getByRole('tab', { selected: true, name: 'Batches' }).waitFor();
    await person.press('.');
    await page.getByRole('menuitem').first().and(page.locator(':focus')).waitFor();
    await person.press('Escape');
    t.equal(await sleeping(), 0);
    t.match(await api.task(task), { end_reason: 'stopped', stat: [0, 0, 0, 0, 3] });
  });
});

t.test('a deploy whose plan changed meanwhile is shown again, and then runs as it was shown', async (t) => {
  const nodes = loopbackNodes(4, port, 300);
  const { poolId } = await fleet.pool(nodes.slice(0, 3));
  const deploy = await fleet.template({
    start_service: { command: 'echo {{tag}}', params: { tag: 'string' }, values: { tag: 'shop:6' } },
  });
  await api.ok(`/pool/update/${poolId}`, { tasks: { deploy } });
  const { name } = await read<{ name: string }>(`/pool/${poolId}`);
  await job(t, 'fleet', async (person, page) => {
    await person.fill('Name contains', name);
    await person.use(`What can be done with ${name}`);
    await page.getByRole('menuitem', { name: 'Deploy…' }).and(page.locator(':focus')).waitFor();
    await person.press('Enter');
    await page.getByRole('dialog', { name: `Deploy to ${name}` }).waitFor();
    await page.locator('[role=dialog] input:focus').waitFor();
    await person.type('shop:8');
    await page.getByText(/^plan [0-9a-f]{8} ✓/).waitFor();
    await person.goTo('button', 'Deploy to 3 nodes');
    await api.ok(`/pool/${poolId}/add_nodes`, { nodes: nodes.slice(3) });
    await person.press('Enter');
    await page.getByText(`Nodes: 3 → 4; now with ${nodes[3]}`).waitFor();
    t.strictSame(await read(`/task/find?pool_id=${poolId}`), { rows: [], next: null }, 'nothing was made');
    await person.use('Go on with the new plan');
    await person.use('Deploy to 4 nodes');
    await person.use(/^Task #\d+$/, 'link');
    await page.waitForURL(/\/task\/\d+/);
    t.match(await fleet.ended(taskOf(page)), { end_reason: 'completed', stat: [0, 0, 4, 0, 0] });
  });
});

t.test('a pool is expanded and shrunk', { skip: process.platform !== 'linux' }, async (t) => {
  const { poolId } = await fleet.pool([]);
  const machine = (step: string) =>
    api.ok<number>('/task_tpl/create', {
      name: uniqueName(step),
      desc: '',
      steps: [
        { name: step, param_values: { vm_type_id: 1 }, retry: { retry_times: 0, ignore_error: false } },
      ],
    });
  await api.ok(`/pool/update/${poolId}`, {
    tasks: { expand: await machine('create_vm'), shrink: await machine('return_vm') },
  });
  const list = async () =>
    (await read<{ rows: { ip: string; status: number }[] }>(`/node/list?pool_id=${poolId}`)).rows;
  await job(t, `pool/${poolId}`, async (person, page) => {
    await person.use('Expand…');
    await page.locator('[role=dialog] input:focus').waitFor();
    await person.type('2');
    await page.getByRole('button', { name: 'Add 2 nodes' }).waitFor();
    await person.use('Add 2 nodes');
    await person.goTo('link', /^Task #\d+$/);
    await waitFor(async () => (await list()).filter(({ status }) => status === 1).length === 2, {
      what: 'the pool has two machines',
      timeoutMs: 120_000,
    });
    await person.press('Escape');
    await page.getByRole('status').filter({ hasText: '2 nodes match' }).waitFor();
    await person.use('Shrink…');
    await person.fill('How many', '1');
    await page.getByText('1 node stays in the pool, of 2.').waitFor();
    await person.fill('Type the number of nodes, 1, to confirm', '1');
    await person.use('Give back 1 machine');
    await person.goTo('link', /^Task #\d+$/);
    await waitFor(async () => (await list()).length === 1, {
      what: 'the machine has left the pool',
      timeoutMs: 120_000,
    });
  });
});

t.test('a schedule over a change of the clocks', async (t) => {
  const { poolId } = await fleet.pool([]);
  const { name } = await read<{ name: string }>(`/pool/${poolId}`);
  await job(t, 'schedules', async (person, page) => {
    await person.use('New schedule');
    await person.choose(/choose a pool/, name);
    await person.goTo('radio', 'expand');
    await person.press('ArrowRight');
    await person.fill('Time zone', 'Europe/Berlin');
    await person.fill('Time', '02:30');
    await page.getByText('02:30 does not exist: due right after the gap').waitFor();
    await page.getByText('02:30 comes twice: due the first time').waitFor();
    await person.use('Save');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    t.match(await read(`/task/uploadList/${poolId}`), [
      { time_zone: 'Europe/Berlin', cron_items: [{ time: '02:30' }] },
    ]);
  });
});

t.test('an action and a template are edited with hostile values', async (t) => {
  const hostile = `'; rm -rf / #`;
  const params = { tag: 'string' as const };
  const id = await fleet.template({ run_it: { command: 'echo "{{tag}}"', params } });
  const { name, steps } = await api.ok<{ name: string; steps: { name: string }[] }>(`/task_tpl/${id}`);
  const [step = { name: '' }] = steps;
  await job(t, 'catalog?tab=actions', async (person, page) => {
    await person.goToRow('Actions', step.name);
    await person.press('Enter');
    await person.goTo('textbox', /^Text of the action/);
    await person.press('ControlOrMeta+A');
    await person.type('eval {{tag}}');
    await page.getByRole('alert').filter({ hasText: 'Line 1, column 6' }).waitFor();
    await person.press('ControlOrMeta+A');
    await person.type('echo now {{tag}}');
    await page
      .getByRole('region', { name: 'What an executor runs' })
      .getByText(`'\\''; rm -rf / #`)
      .waitFor();
    await person.press('ControlOrMeta+s');
    await page.getByText('The API accepts the text.').waitFor();
    await person.use(/^Save as version/);
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    await person.search(name, new RegExp(`^Template ${name}`));
    await person.fill('tag (string)', hostile);
    await person.press('ControlOrMeta+s');
    await person.use(/^Save as version/);
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
  t.match(await api.ok(`/task_tpl/${id}`), { version: 2, steps: [{ param_values: { tag: hostile } }] });
  const nodes = loopbackNodes(1, port, 400);
  await fleet.pool(nodes);
  const task = await fleet.startTask(id, nodes);
  await fleet.ended(task);
  const [run] = await api.detail(task);
  t.match(await api.nodeLog(run?.id ?? 0), [[step.name, `now ${hostile}\n`]]);
});

t.test('a machine that no node has', async (t) => {
  const { vmId } = await rig.machines.create(
    'a-task-of-another-system-r1',
    generateSshKey().public,
    AbortSignal.timeout(60_000),
  );
  await job(t, '', async (person, page) => {
    await page.getByRole('heading', { level: 1 }).waitFor();
    await person.open('m', 'Machines');
    await person.use('Look now');
    await page.getByText(vmId, { exact: true }).waitFor();
    await person.goTo('button', `Copy ${vmId}`);
    t.match(await read('/orphans'), { orphans: [{ vm_id: vmId }] });
  });
});

t.test('a token is revoked while its session is open', async (t) => {
  const ci = await createToken(rig.stack.databaseUrl, 'ci', 'operator');
  const other = await openPage(browser, `${console}tasks`, { token: ci.token });
  await other.page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor();
  await job(t, '', async (person, page) => {
    await page.getByRole('heading', { level: 1 }).waitFor();
    await person.search('access', /Access/);
    await person.goToRow('Tokens', 'ci');
    await person.use('Revoke ci');
    await page.getByText('1 session of it is open and ends with it.').waitFor();
    await person.use('Revoke ci');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await other.page.getByRole('dialog', { name: 'You are signed out' }).waitFor();
    const { status } = await rig.client(`Bearer ${ci.token}`).call('/task/find', undefined, 'GET');
    t.equal(status, 401);
  });
  await other.close();
});
