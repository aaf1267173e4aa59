import { waitFor } from '@rigel/testing';
import type { Page } from 'playwright-core';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { looksRight, openings, openPage, startBrowser } from './browser.js';

const rig = await startRig({ executors: 1, fastDatabase: true });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;
const { api, fleet, sshd } = rig;
/** Pictures of the pages for a person go into this folder, if it is named. */
const pictures = process.env.RIGEL_TEST_PICTURES;

// A pool of twelve nodes: a deploy has put an image on ten of them, and failed on two.
const addresses = loopbackNodes(12, sshd.port);
const { poolId, nodeIds } = await fleet.pool(addresses);
const template = await fleet.template({
  start_service: {
    command: `case "$SSH_CONNECTION" in *127.10.0.3*|*127.10.0.4*) echo no space left on {{tag}}; exit 28;; esac`,
    params: { tag: 'string' },
    values: { tag: 'shop:6' },
  },
});
await api.ok(`/pool/update/${poolId}`, { tasks: { deploy: template } });
const deployed = await api.done(`/pool/deploy/${poolId}`, { tag: 'shop:7', max_num: 12, max_fail_num: 12 });
const [task = 0] = deployed.taskIds;
await fleet.ended(task);
const idle = (await fleet.pool(loopbackNodes(1, sshd.port, 20))).poolId;

interface NodeRow {
  id: number;
  ip: string;
  status: number;
  last_task: number | null;
  last_reason: string;
  version_tag: string;
  host_key: string;
  held_by: unknown;
}
const list = (query: string) =>
  api
    .call<{ rows: NodeRow[]; next: string | null; total?: number }>(`/node/list?${query}`, undefined, 'GET')
    .then(({ data }) => data);

t.test('a node says what its last task made of it, what it put on it, and who holds it', async (t) => {
  const failed = await list(`pool_id=${poolId}&status=3&count=exact`);
  t.equal(failed.total, 2);
  t.match(failed.rows, [
    {
      ip: addresses[2],
      last_task: task,
      last_reason: /exit (code|status) 28/,
      version_tag: '',
      held_by: null,
    },
    { ip: addresses[3] },
  ]);
  const first = await list(`pool_id=${poolId}&version=shop:7&limit=4`);
  t.equal(first.rows.length, 4);
  t.match(first.rows[0], { last_task: task, last_reason: '', version_tag: 'shop:7', host_key: /^ssh-/ });
  const rest = await list(`pool_id=${poolId}&version=shop:7&cursor=${first.next}`);
  t.equal(rest.rows.length, 6);
  t.equal(rest.next, null);
  const runs = await api.call<{ rows: { task_id: number; state: number; reason: string }[] }>(
    `/node/${nodeIds[2]}/runs`,
    undefined,
    'GET',
  );
  t.match(runs.data.rows, [{ task_id: task, state: 3, reason: /28/ }]);
  t.equal(runs.data.rows.length, 1);
});

async function picture(page: Page, name: string): Promise<void> {
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png` });
}

const pages = {
  fleet: 'fleet',
  pool: `pool/${poolId}`,
  'pool-versions': `pool/${poolId}?tab=versions`,
  'pool-history': `pool/${poolId}?tab=history`,
  'pool-settings': `pool/${poolId}?tab=settings`,
  'pool-gone': 'pool/999999',
  nodes: 'nodes?status=3',
  paste: `nodes?view=paste&addresses=${encodeURIComponent(`${addresses[2]} 127.10.0.[98-99] ?`)}`,
  node: `node/${nodeIds[2]}`,
};
for (const [name, path] of Object.entries(pages)) {
  t.test(`/console/${path} is sound`, async (t) => {
    for (const opening of openings()) {
      const { page, faults, close } = await openPage(browser, console + path, opening);
      await page.getByRole('heading', { level: 1 }).waitFor();
      // A page that follows something live never stops asking.
      await waitFor(async () => (await page.locator('[data-loading]').count()) === 0, {
        what: 'every region has its data',
      });
      await picture(page, `${name}-${opening.theme}`);
      // A browser reports each refused request.
      const meant = name === 'pool-gone' ? faults.filter((fault) => !/404/.test(fault)) : faults;
      await looksRight(t, page, meant, JSON.stringify(opening));
      await close();
    }
  });
}

t.test('the failed nodes of a pool are found, chosen by the filter and opened', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}pool/${poolId}?status=3`);
  await page.getByRole('status').filter({ hasText: '2 nodes match' }).waitFor();
  await page.getByRole('button', { name: 'Select all 2 that match' }).click();
  await page.getByRole('status').filter({ hasText: '2 selected' }).waitFor();
  await page.getByRole('button', { name: 'Remove…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('2 nodes leave their pools').waitFor();
  await picture(page, 'remove');
  t.equal(
    await dialog.getByRole('button', { name: 'Remove 2 nodes' }).getAttribute('aria-disabled'),
    'true',
    'not before the count is typed',
  );
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: addresses[2] }).click();
  await page.getByRole('heading', { level: 1, name: addresses[2] }).waitFor();
  await page
    .getByText('no space left')
    .or(page.getByText(/exit (code|status) 28/).first())
    .first()
    .waitFor();
  t.match(page.url(), `/console/node/${nodeIds[2]}`);
  t.strictSame(faults, []);
  await close();
});

t.test('nodes are added from a pasted list after it was shown what is new', async (t) => {
  const { page, close } = await openPage(browser, `${console}pool/${idle}`);
  await page.getByRole('button', { name: 'Add nodes…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Addresses' }).fill(`${addresses[0]}, 127.10.9.[1-2]:22;  ?`);
  await dialog.getByRole('button', { name: 'Check' }).click();
  await dialog.getByText('2 new addresses').waitFor();
  await dialog.getByText(`${addresses[0]}: already node ${nodeIds[0]}`).waitFor();
  await picture(page, 'add');
  // A press directly after the dialog opened counts for nothing.
  await page.waitForTimeout(500);
  await dialog.getByRole('button', { name: 'Add 2 nodes' }).click();
  await dialog.waitFor({ state: 'detached' });
  t.equal((await list(`pool_id=${idle}&count=exact`)).total, 3);
  await close();
});

t.test('a change that somebody else made meanwhile is shown, not overwritten', async (t) => {
  const { page, close } = await openPage(browser, `${console}pool/${idle}?tab=settings`);
  await page.getByRole('button', { name: 'Edit…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Description' }).fill('mine');
  await api.ok(`/pool/update/${idle}`, { desc: 'of a colleague' });
  await page.waitForTimeout(500);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('stored now: of a colleague').waitFor();
  await picture(page, 'changed-meanwhile');
  const read = async () => (await api.call<{ desc: string }>(`/pool/${idle}`, undefined, 'GET')).data.desc;
  t.equal(await read(), 'of a colleague');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  t.equal(await read(), 'mine');
  await close();
});

t.test('what takes nodes of a protected pool out of service needs its name', async (t) => {
  const { name } = (await api.call<{ name: string }>(`/pool/${poolId}`, undefined, 'GET')).data;
  await api.ok(`/pool/protect/${poolId}`, { protected: true });
  const deploy = { tag: 'shop:8', max_num: 12, max_fail_num: 12 };
  const refused = { code: 400, msg: new RegExp(`pool ${name} is protected: confirm must be its name`) };
  t.match(await api.call(`/pool/deploy/${poolId}`, deploy), refused);
  t.match(await api.call(`/pool/deploy/${poolId}`, { ...deploy, confirm: 'pool' }), refused);
  t.match(await api.call(`/pool/${poolId}/remove_nodes`, { nodes: [nodeIds[11]] }), {
    code: 400,
    msg: /is protected/,
  });
  const paused = await fleet.startTask(template, addresses.slice(0, 1), { auto: 0 });
  t.match(await api.call(`/task/stop/${paused}`), { code: 400, msg: /is protected/ });
  t.equal((await api.call(`/task/stop/${paused}`, { confirm: name })).code, 0);
  await waitFor(async () => (await list(`pool_id=${poolId}&held_by=${paused}`)).rows.length === 0, {
    what: 'the stopped task lets its node go',
  });
  t.equal((await api.call(`/pool/${poolId}/remove_nodes`, { nodes: [nodeIds[11]], confirm: name })).code, 0);
});
