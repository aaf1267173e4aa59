import { generateSshKey } from '@rigel/providers/local-machines';
import { CloudServer } from '@rigel/providers/testing';
import pg from 'pg';
import t from 'tap';
import { Fleet, loopbackNodes, uniqueName } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { looksRight, type Opening, openings, openPage, startBrowser } from './browser.js';

/* The page of machines that no node has, and what pages tell of the last verification. */

const cloud = new CloudServer((number) => `127.0.9.${number}`);
const cloudUrl = await cloud.start();
const rig = await startRig({
  executors: 1,
  fastDatabase: true,
  env: { gateway: { RIGEL_ACCESS: 'on' } },
  providers: (dataDir) => ({
    vm: {
      1: { adapter: 'local', folder: `${dataDir}/machines` },
      2: { adapter: 'rest', url: cloudUrl, call_timeout: 5 },
    },
  }),
});
const browser = await startBrowser();
const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
await database.connect();
t.teardown(async () => {
  await browser.close();
  await database.end();
  await rig.stop();
  await cloud.stop();
});
const console = `${rig.stack.httpUrl}/console/`;
const ann = await createToken(rig.stack.databaseUrl, 'ann', 'admin');
const eve = await createToken(rig.stack.databaseUrl, 'eve', 'viewer');
const api = rig.client(`Bearer ${ann.token}`);
const fleet = new Fleet(api);

const make = (token: string) =>
  rig.machines.create(token, generateSshKey().public, AbortSignal.timeout(60_000));
const [atWork, lost] = [loopbackNodes(1, rig.sshd.port), loopbackNodes(1, rig.sshd.port + 1)];
await fleet.pool([...atWork, ...lost]);
const task = await fleet.startTask(await fleet.template({ wait: { command: 'sleep 600' } }), atWork);
const { rows } = await database.query<{ uuid: string }>(
  `SELECT data->>'uuid' AS uuid FROM scheduler.events WHERE stream = 'task-${task}' AND version = 1`,
);
const making = await make(`${rows[0]?.uuid}-r${(await api.detail(task))[0]?.id}`);
const stranger = await make('a-task-of-another-system-r1');
cloud.faults.push('lose');
const unknown = await fleet.startTask(
  await api.ok<number>('/task_tpl/create', {
    name: uniqueName('grow'),
    desc: '',
    steps: [
      {
        name: 'create_vm',
        param_values: { vm_type_id: 2 },
        retry: { retry_times: 0, ignore_error: false },
      },
    ],
  }),
  lost,
);
await fleet.ended(unknown);

async function signedIn(path: string, token: string, opening: Opening = {}) {
  const opened = await openPage(browser, console + path, opening);
  await opened.page.locator('input[type="password"]').fill(token);
  await opened.page.keyboard.press('Enter');
  await opened.page.getByRole('heading', { level: 1 }).filter({ hasNotText: 'Rigel' }).waitFor();
  return opened;
}

/** The browser says itself that it was answered with 401, before anybody signed in. */
const unexpected = (faults: readonly string[]) => faults.filter((text) => !/status of 401/.test(text));

t.test('one looks, by keys alone, and finds each machine in its list', async (t) => {
  const { page, faults, close } = await signedIn('machines', ann.token);
  await page.getByText('Nobody has looked yet which machines the providers have.').waitFor();
  await page.getByText('Outcome unknown 1').waitFor();
  const look = page.getByRole('button', { name: 'Look now' });
  await look.focus();
  await page.keyboard.press('Enter');
  await page.getByText(/looked for by ann; it took/).waitFor();
  const listed = (title: string) =>
    page.locator('section').filter({ has: page.getByRole('heading', { name: title }) });
  const [nobodys, mine] = [listed('Nobody’s'), listed('Being made')];
  await nobodys.getByText(stranger.vmId, { exact: true }).waitFor();
  await nobodys.getByText('no task of this system').waitFor();
  await mine.getByText(making.vmId, { exact: true }).waitFor();
  t.equal(await nobodys.getByText(making.vmId).count(), 0, 'what is being made is not nobody’s');
  t.match(await mine.getByRole('link', { name: `#${task}` }).getAttribute('href'), `/task/${task}`);
  await listed('Outcome unknown')
    .getByText(/unknown whether the provider made a machine/)
    .waitFor();
  await listed('Outcome unknown')
    .getByRole('link', { name: `#${unknown}` })
    .waitFor();
  await page.getByText('cannot list its machines').waitFor();
  t.equal((await rig.machines.list()).length, 2, 'nothing was deleted');
  t.strictSame(unexpected(faults), []);
  await close();
});

t.test('a viewer reads, and is told who may look and verify', async (t) => {
  const { page, close } = await signedIn('machines', eve.token);
  const look = page.getByRole('button', { name: 'Look again' });
  t.equal(await look.getAttribute('aria-disabled'), 'true');
  t.match(await look.getAttribute('title'), 'needs the role operator');
  await page.goto(`${console}system`);
  t.match(
    await page.getByRole('button', { name: 'Verify now' }).getAttribute('title'),
    'needs the role admin',
  );
  await close();
});

t.test('verified: the frame says how far and how long ago, and names what differs', async (t) => {
  const { page, faults, close } = await signedIn('system', ann.token);
  const frame = page.getByRole('navigation').first();
  await frame.getByText('Not verified yet').waitFor();
  const verify = page.getByRole('button', { name: 'Verify now' });
  await verify.focus();
  await page.keyboard.press('Enter');
  await frame.getByText(/^Verified to event [\d,]+, \d+ s ago$/).waitFor({ timeout: 60_000 });
  await database.query(`UPDATE inventory.pools SET name = 'not its name' WHERE id = 1`);
  await verify.click();
  await frame.getByText('1 difference between tables and events').waitFor({ timeout: 60_000 });
  await page.getByText('inventory.pools id=1 name').waitFor();
  await page.getByText('"not its name"').waitFor();
  await page.getByText('pnpm rigel rebuild --service inventory').waitFor();
  t.strictSame(unexpected(faults), []);
  await close();
});

for (const path of ['machines', 'system']) {
  t.test(`/console/${path} is sound`, async (t) => {
    for (const opening of openings()) {
      const { page, faults, close } = await signedIn(path, ann.token, opening);
      await page
        .getByText(path === 'machines' ? stranger.vmId : 'inventory.pools id=1 name', { exact: true })
        .waitFor();
      await looksRight(t, page, unexpected(faults), JSON.stringify(opening));
      await close();
    }
  });
}
