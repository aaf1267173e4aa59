import { waitFor } from '@rigel/testing';
import type { Page } from 'playwright-core';
import t from 'tap';
import { Fleet, loopbackNodes, uniqueName } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import {
  axeFindings,
  looksRight,
  type Opening,
  openings,
  openPage,
  scrollsSideways,
  startBrowser,
} from './browser.js';

/* What a pool's page does with the pool: everything is shown as a plan before, and what was shown is what runs. */

const rig = await startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;
const { sshd } = rig;
const ann = await createToken(rig.stack.databaseUrl, 'ann', 'admin');
const eve = await createToken(rig.stack.databaseUrl, 'eve', 'viewer');
const api = rig.client(`Bearer ${ann.token}`);
const fleet = new Fleet(api);
/** Pictures of the pages for a person go into this folder, if it is named. */
const pictures = process.env.RIGEL_TEST_PICTURES;

const addresses = loopbackNodes(12, sshd.port);
const further = loopbackNodes(3, sshd.port, 40);
const { poolId, nodeIds } = await fleet.pool(addresses);
const { poolId: other } = await fleet.pool(loopbackNodes(1, sshd.port, 60));
const tag = { params: { tag: 'string' as const }, values: { tag: 'shop:6' }, retry: 2 };
const deploy = await fleet.template({
  drain: { command: 'echo drain' },
  start_service: {
    command: 'docker rm -f shop\ndocker() { echo "$@"; }\ndocker run {{tag}}',
    script: true,
    ...tag,
  },
});
const retry = { retry_times: 0, ignore_error: false };
const machine = async (name: string) =>
  api.ok<number>('/task_tpl/create', {
    name: uniqueName(name),
    desc: '',
    steps: [{ name, param_values: { vm_type_id: 1 }, retry }],
  });
const expand = await machine('create_vm');
const shrink = await machine('return_vm');
await api.ok(`/pool/update/${poolId}`, { tasks: { deploy, expand, shrink } });
const { name: poolName } = (await api.call<{ name: string }>(`/pool/${poolId}`, undefined, 'GET')).data;
const holding = await fleet.startTask(deploy, addresses.slice(10), { auto: false });

async function signedIn(path: string, opening: Opening = {}, { token } = ann) {
  const opened = await openPage(browser, console + path, opening);
  await opened.page.locator('input[type="password"]').fill(token);
  await opened.page.keyboard.press('Enter');
  await opened.page.getByRole('heading', { level: 1, name: poolName, includeHidden: true }).waitFor();
  return opened;
}

/** The browser says itself that it was answered with 401 before anybody signed in, and with 400 when a plan was refused. */
const unexpected = (faults: readonly string[]) => faults.filter((text) => !/status of 40[01]/.test(text));

async function picture(page: Page, name: string): Promise<void> {
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png` });
}

/** The plan of the values on the screen is there. */
const planned = (page: Page) =>
  page
    .getByRole('status')
    .filter({ hasText: /(plan|计划) [0-9a-f]{8} ✓/ })
    .waitFor();

const panels = {
  deploy: async (page: Page) =>
    page.getByRole('dialog').locator('input[autocomplete="off"]').first().fill('shop:8'),
  expand: async (page: Page) =>
    page.getByRole('dialog').locator('input[inputmode="numeric"]').first().fill('20'),
  shrink: async (page: Page) =>
    page.getByRole('dialog').locator('input[inputmode="numeric"]').first().fill('3'),
};
for (const [name, enter] of Object.entries(panels)) {
  t.test(`the plan of ${name} is sound`, async (t) => {
    for (const opening of openings()) {
      const { page, faults, close } = await signedIn(`pool/${poolId}?do=${name}`, opening);
      const dialog = page.getByRole('dialog');
      await dialog.waitFor();
      await enter(page);
      await planned(page);
      // The further ones first: an opened one is no longer among the closed.
      const closed = dialog.locator('section button[aria-expanded="false"]');
      for (let left = await closed.count(); left > 0; left--) await closed.nth(left - 1).click();
      await picture(page, `${name}-${opening.theme}`);
      await looksRight(t, page, unexpected(faults), JSON.stringify(opening));
      const box = await dialog.boundingBox();
      t.ok(
        box && box.x >= 0 && box.x + box.width <= (opening.width ?? 1440),
        'the dialog fits on the screen',
      );
      await close();
    }
  });
}

t.test('a deploy is bound to its plan: a change in between is shown, and has to be confirmed', async (t) => {
  const { page, faults, close } = await signedIn(`pool/${poolId}`);
  await page.getByRole('button', { name: 'Deploy…' }).click();
  const dialog = page.getByRole('dialog', { name: `Deploy to ${poolName}` });
  const confirm = dialog.getByRole('button', { name: /^Deploy to \d+ nodes$/ });
  t.equal(await confirm.getAttribute('aria-disabled'), 'true', 'not without a tag');
  t.match(await confirm.getAttribute('title'), /Enter the image tag/);
  await page.keyboard.type('shop:8');
  await planned(page);
  await dialog.getByRole('textbox', { name: 'Nodes at once' }).fill('4');
  t.equal(await confirm.getAttribute('aria-disabled'), 'true', 'the plan is that of the values before');
  await dialog.getByText('in 3 batches of up to 4').waitFor();
  await dialog.getByText('2 held by task').waitFor();
  const without = dialog.getByText('Do without nodes that another task holds');
  await without.click();
  await dialog.getByText(/^2 nodes are held: \S+ by task \d+ \(/).waitFor();
  t.match(await confirm.getAttribute('title'), /would be refused: 2 nodes are held/);
  await without.click();
  await dialog.getByText('2 held by task').waitFor();
  await dialog.getByText('At most 4 nodes out of service at once (40 %)').waitFor();
  await picture(page, 'deploy-plan');
  // A colleague adds a node, directly before the press.
  await api.ok(`/pool/${poolId}/add_nodes`, { nodes: further.slice(0, 1) });
  await confirm.click();
  await dialog.getByRole('alert').filter({ hasText: 'Nothing was done' }).waitFor();
  await dialog.getByText(`Nodes: 10 → 11; now with ${further[0]}`).waitFor();
  t.equal(await confirm.getAttribute('aria-disabled'), 'true', 'not before the change was looked at');
  await picture(page, 'deploy-changed');
  t.match(
    await page.evaluate(() => document.activeElement?.textContent),
    /Nothing was done/,
    'the focus is there',
  );
  t.strictSame(await axeFindings(page), []);
  await dialog.getByRole('button', { name: 'Go on with the new plan' }).click();
  await dialog.getByRole('button', { name: 'Deploy to 11 nodes' }).click();
  await dialog.getByRole('link', { name: /^Task #\d+$/ }).click();
  await page.waitForURL(/\/console\/task\/\d+/);
  const id = Number(/\/task\/(\d+)/.exec(page.url())?.[1]);
  t.match(await fleet.ended(id), { stat: [0, 0, 11, 0, 0], end_reason: 'completed' });
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('a shrink is confirmed by its count, after its list was told apart', async (t) => {
  const { page, close } = await signedIn(`pool/${poolId}`);
  await page.getByRole('textbox', { name: 'Address or network' }).fill('127.10.0.1');
  await page.getByRole('button', { name: 'Select all 4 that match' }).click();
  await page.getByRole('button', { name: 'Shrink…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Selected (4)').waitFor();
  // Two of the four are held.
  await dialog.getByText('2 nodes of the pool').waitFor();
  await dialog.getByText('2 held by a task').waitFor();
  await planned(page);
  await dialog.getByText('A list', { exact: true }).click();
  const foreign = loopbackNodes(1, sshd.port, 60)[0];
  await dialog
    .getByRole('textbox', { name: 'Addresses' })
    .fill(`${addresses[0]}; ${addresses[1]},${addresses[10]}\n${foreign} 127.99.0.[1-2] ?`);
  await dialog.getByText('2 nodes of the pool').waitFor();
  for (const words of [
    '1 held by a task',
    '1 of other pools',
    '2 that no node has',
    '1 that are no addresses',
  ])
    await dialog.getByText(words).waitFor();
  await dialog.getByText('11 nodes stay in the pool, of 13.').waitFor();
  await planned(page);
  await picture(page, 'shrink-list');
  const confirm = dialog.getByRole('button', { name: 'Give back 2 machines' });
  t.equal(await confirm.getAttribute('aria-disabled'), 'true', 'not before the count is typed');
  await dialog.getByRole('textbox', { name: 'Type the number of nodes, 2, to confirm' }).fill('3');
  t.equal(await confirm.getAttribute('aria-disabled'), 'true', 'nor with another one');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await close();
});

t.test(
  'a pool is expanded and shrunk by machines of a provider',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const pool = (await fleet.pool([])).poolId;
    await api.ok(`/pool/update/${pool}`, { tasks: { expand, shrink } });
    const { page, close } = await openPage(browser, `${console}pool/${pool}`);
    await page.locator('input[type="password"]').fill(ann.token);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Expand…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Machines to add' }).fill('201');
    await dialog.getByText('A whole number from 1 to 200').waitFor();
    await dialog.getByRole('textbox', { name: 'Machines to add' }).fill('2');
    await planned(page);
    await dialog.getByRole('button', { name: 'Add 2 nodes' }).click();
    await dialog.getByRole('link', { name: /^Task #\d+$/ }).waitFor();
    const list = async () =>
      (
        await api.call<{ rows: { ip: string; status: number }[] }>(
          `/node/list?pool_id=${pool}`,
          undefined,
          'GET',
        )
      ).data.rows;
    await waitFor(async () => (await list()).filter(({ status }) => status === 1).length === 2, {
      what: 'the pool has two machines',
      timeoutMs: 120_000,
    });
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('status').filter({ hasText: '2 nodes match' }).waitFor();
    await page.getByRole('button', { name: 'Shrink…' }).click();
    await dialog.getByRole('textbox', { name: 'How many' }).fill('1');
    await planned(page);
    await dialog.getByText('1 node stays in the pool, of 2.').waitFor();
    const confirm = dialog.getByRole('button', { name: 'Give back 1 machine' });
    t.equal(await confirm.getAttribute('aria-disabled'), 'true');
    await dialog.getByRole('textbox', { name: 'Type the number of nodes, 1, to confirm' }).fill('1');
    const [oldest] = await list();
    await confirm.click();
    await dialog.getByRole('link', { name: /^Task #\d+$/ }).waitFor();
    await waitFor(async () => (await list()).length === 1, {
      what: 'the machine has left the pool',
      timeoutMs: 120_000,
    });
    t.not((await list())[0]?.ip, oldest?.ip, 'the oldest one has left');
    await close();
  },
);

t.test('an expand shows what an earlier one left, and what changes while it is looked at', async (t) => {
  const pool = (await fleet.pool([])).poolId;
  const broken = await machine('create_vm');
  // No executor has a provider of this number.
  await api.ok(`/pool/update/${pool}`, { vm_type: 99, tasks: { expand: broken } });
  const [earlier = 0] = (await api.done(`/pool/expand/${pool}`, { num: 2 })).taskIds;
  await fleet.ended(earlier, 120_000);
  const { page, close } = await openPage(browser, `${console}pool/${pool}?do=expand`);
  await page.locator('input[type="password"]').fill(ann.token);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('2 nodes without a machine, which no task works on').waitFor();
  await dialog.getByText('0 of 2 made').waitFor();
  await dialog.getByRole('textbox', { name: 'Machines to add' }).fill('1');
  await planned(page);
  const steps = [
    { name: 'create_vm', param_values: { vm_type_id: 1 }, retry: { retry_times: 3, ignore_error: false } },
  ];
  await api.ok(`/task_tpl/update/${broken}`, { steps });
  await dialog.getByRole('alert').filter({ hasText: 'The plan has changed since it was shown' }).waitFor();
  await dialog.getByText('Retries or limits of step create_vm').waitFor();
  await picture(page, 'expand-changed');
  const confirm = dialog.getByRole('button', { name: 'Add 1 node' });
  t.match(await confirm.getAttribute('title'), /Look at what changed first/);
  await dialog.getByRole('button', { name: 'Go on with the new plan' }).click();
  t.not(await confirm.getAttribute('aria-disabled'), 'true');
  await close();
});

t.test('a protected pool is named before anything runs over it: by keyboard alone', async (t) => {
  await api.ok(`/pool/protect/${poolId}`, { protected: true });
  const { page, close } = await signedIn(`pool/${poolId}`);
  const dialog = page.getByRole('dialog');
  /** Presses Tab until what has the focus bears these words. */
  const tabTo = async (words: RegExp): Promise<void> => {
    for (let pressed = 0; pressed < 60; pressed++) {
      const said = await page.evaluate(() => {
        const focused = document.activeElement;
        const label = (focused as { labels?: NodeListOf<Element> } | null)?.labels?.[0];
        return label?.textContent ?? focused?.textContent ?? '';
      });
      if (words.test(said)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`nothing that can be reached by Tab says ${words}`);
  };
  await page.getByRole('button', { name: 'Deploy…' }).waitFor();
  await tabTo(/^Deploy…/);
  await page.keyboard.press('Enter');
  await dialog.waitFor();
  await page.keyboard.type('shop:9');
  await planned(page);
  const confirm = dialog.getByRole('button', { name: 'Deploy to 11 nodes' });
  t.equal(await confirm.getAttribute('aria-disabled'), 'true');
  t.match(await confirm.getAttribute('title'), /The pool is protected/);
  await picture(page, 'deploy-protected');
  await page.keyboard.press('Enter');
  await tabTo(/^The pool is protected/);
  await page.keyboard.type(poolName);
  await tabTo(/^Deploy to 11 nodes/);
  await page.keyboard.press('Enter');
  await dialog.getByRole('link', { name: /^Task #\d+$/ }).waitFor();
  await api.ok(`/pool/protect/${poolId}`, { protected: false });
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  t.notMatch(page.url(), /do=/);
  await close();
});

t.test('chosen nodes lead to the form of a new task, and are copied', async (t) => {
  const { page, context, close } = await signedIn(`pool/${poolId}?ip=127.10.0.`);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const run = page.getByRole('button', { name: 'Run template…' });
  t.match(await run.getAttribute('title'), /Select nodes/);
  await page.getByRole('button', { name: /^Select all \d+ that match$/ }).click();
  await page.getByRole('button', { name: 'Copy for Ansible' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  t.match(
    await page.evaluate(() => navigator.clipboard.readText()),
    /^\[pool_\d+_\d+\]\n127\.10\.0\.1_\d+ ansible_host=127\.10\.0\.1 ansible_port=\d+\n/,
  );
  await run.click();
  await page.waitForURL((url) => url.pathname.endsWith('/tasks/new'));
  t.match(new URL(page.url()).search, `?pool=${poolId}&ip=127.10.0.`);
  await close();
});

t.test('a pool of the fleet is deployed to from its row; a longer list of nodes goes along', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}fleet`);
  await page.locator('input[type="password"]').fill(ann.token);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: `What can be done with ${poolName}` }).click();
  await page.getByRole('menuitem', { name: 'Deploy…' }).click();
  await page.getByRole('dialog', { name: `Deploy to ${poolName}` }).waitFor();
  await picture(page, 'from-fleet');
  await page.keyboard.press('Escape');
  // Two hundred addresses are too many for the address of a page.
  const { poolId: many } = await fleet.pool(loopbackNodes(200, sshd.port, 1_000));
  await page.goto(`${console}pool/${many}?made_by=manual`);
  await page.getByRole('button', { name: 'Select all 200 that match' }).click();
  await page.getByRole('button', { name: 'Run template…' }).click();
  await page.waitForURL((url) => url.pathname.endsWith('/tasks/new') && url.search === '?by=list');
  const list = page.getByRole('textbox', { name: 'Addresses' });
  const lines = async () => (await list.inputValue()).split('\n').length;
  t.equal(await lines(), 200);
  await page.reload();
  t.equal(await lines(), 200, 'a reload keeps them');
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('a viewer sees every operation, and that it needs an operator', async (t) => {
  const { page, close } = await signedIn(`pool/${poolId}?do=shrink`, {}, eve);
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'How many' }).fill('1');
  await planned(page);
  const confirm = dialog.getByRole('button', { name: 'Give back 1 machine' });
  t.match(await confirm.getAttribute('title'), /needs the role operator; you are viewer/);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.setViewportSize({ width: 360, height: 740 });
  await picture(page, 'viewer');
  t.notOk(await scrollsSideways(page));
  await page.setViewportSize({ width: 1440, height: 900 });
  await picture(page, 'viewer-wide');
  for (const name of ['Deploy…', 'Expand…', 'Shrink…', 'Run template…']) {
    const button = page.getByRole('button', { name });
    t.match(await button.getAttribute('title'), /needs the role operator/, name);
  }
  await close();
});

t.ok(other > 0 && nodeIds.length === 12 && holding > 0);
