import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Io, run } from '@rigel/cli';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { axeFindings, openPage, startBrowser } from './browser.js';

/* Everything about a task in one archive: what is in it, what never is, and the console over it without a server. */

const SECRET = 'hunter2-planted-secret';
const rig = await startRig({
  executors: 1,
  fastDatabase: true,
  env: { gateway: { RIGEL_ACCESS: 'on' }, executor: { RIGEL_SECRET_DB_PASSWORD: SECRET } },
});
const browser = await startBrowser();
const home = mkdtempSync(join(tmpdir(), 'rigel-bundle-'));
t.teardown(async () => {
  await browser.close();
  await rig.stop();
  rmSync(home, { recursive: true });
});
const [ann, eve] = await Promise.all([
  createToken(rig.stack.databaseUrl, 'ann', 'admin'),
  createToken(rig.stack.databaseUrl, 'eve', 'viewer'),
]);
const api = rig.client(`Bearer ${ann.token}`);
const fleet = new Fleet(api);
const nodes = loopbackNodes(4, rig.sshd.port);
await fleet.pool(nodes);
const template = await fleet.template({
  prepare: { command: 'echo ready' },
  start: {
    command: `case "$SSH_CONNECTION" in *" ${nodes[1]?.split(':')[0]} "*) echo no space left on device; exit 7;; esac; echo using {{key}}`,
    params: { key: 'string' },
    values: { key: { secret: 'db-password' } },
  },
});
const task = await fleet.startTask(template, nodes, { max_num: 2, max_fail_num: 3 });
await fleet.ended(task);

async function rigel(
  args: string[],
  {
    token,
    signal = new AbortController().signal,
    seen,
  }: { token?: string; signal?: AbortSignal; seen?: (text: string) => void } = {},
) {
  const printed = { out: '', err: '' };
  const io: Io = {
    env: {
      XDG_CONFIG_HOME: home,
      ...(token === undefined ? {} : { RIGEL_URL: rig.stack.httpUrl, RIGEL_TOKEN: token }),
    },
    out: (text) => {
      printed.out += text;
      seen?.(text);
    },
    err: (text) => {
      printed.err += text;
    },
    columns: undefined,
    errIsTerminal: false,
    inIsTerminal: false,
    readInput: async () => '',
    readLine: async () => undefined,
    now: Date.now,
    sleep: (ms) => sleep(ms),
    fetch,
  };
  return { status: await run(args, io, signal, '0.0.0'), ...printed };
}

const file = join(home, 'task.zip');

t.test('an archive has everything about the task, and no secret', async (t) => {
  const made = await rigel(['task', 'bundle', String(task), '-f', file], { token: ann.token });
  t.match(made, { status: 0, out: '', err: `holds task ${task}: rigel bundle open` });
  t.notMatch(made.err, /left out/);
  const { unzipSync } = await import('fflate');
  const files = unzipSync(readFileSync(file));
  const textOf = (name: string): string => Buffer.from(files[name] ?? []).toString('utf8');
  for (const [name, what] of [
    ['api/task.json', /"end_reason":"partial"/],
    ['api/plan.json', /db-password/],
    ['api/why.json', /no space left on device/],
    ['api/history.jsonl', /"event":"task_created"/],
    ['api/nodes.jsonl', /"leases":/],
    ['audit.jsonl', /"action":"task.create"/],
    ['manifest.json', /"left_out": \[\]/],
  ] as const)
    t.match(textOf(name), what, name);
  const output = textOf('api/output.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { data: string });
  const printed = output.map(({ data }) => Buffer.from(data, 'base64').toString('utf8')).join('');
  t.match(printed, /no space left on device/);
  t.match(printed, /using (?!hunter2)/, 'the secret was printed, and is masked');
  for (const [name, bytes] of Object.entries(files)) {
    const text = Buffer.from(bytes).toString('utf8');
    t.notOk(
      [SECRET, ann.token, eve.token].some((secret) => text.includes(secret)),
      `${name} has no secret`,
    );
  }
  t.notOk(printed.includes(SECRET));
});

t.test('a viewer gets one without the audit; nothing is one that is none', async (t) => {
  const other = join(home, 'viewer.zip');
  const made = await rigel(['task', 'bundle', String(task), '-f', other], { token: eve.token });
  t.match(made, { status: 0, err: /left out: audit\.jsonl: only the role admin/ });
  const { unzipSync } = await import('fflate');
  t.notOk('audit.jsonl' in unzipSync(readFileSync(other)));
  t.match(await rigel(['task', 'bundle', '999999', '-f', other], { token: ann.token }), {
    status: 5,
    err: /not found/i,
  });
  const broken = join(home, 'broken.zip');
  writeFileSync(broken, readFileSync(file).subarray(0, 1_000));
  t.match(await rigel(['bundle', 'open', broken]), { status: 2, err: /cannot be read as a ZIP archive/ });
  t.match(await rigel(['bundle', 'open', join(home, 'none.zip')]), { status: 2, err: /no such file/i });
});

t.test(
  'the console over an archive, without a server: the same pages, the past too, and nothing can be done',
  async (t) => {
    const end = new AbortController();
    let url = '';
    const opened = rigel(['bundle', 'open', file], {
      signal: end.signal,
      seen: (text) => (url = text.trim()),
    });
    await waitFor(async () => url !== '', { what: 'the archive is served' });
    const { origin } = new URL(url);
    t.match(await (await fetch(`${origin}/task/999`)).json(), {
      code: 404,
      msg: `this is an archive of task ${task}, and holds nothing else`,
    });
    t.equal((await fetch(`${origin}/task/stop/${task}`, { method: 'POST' })).status, 403);
    t.equal((await fetch(`${origin}/console/assets/..%2f..%2fetc%2fpasswd`)).status, 404);
    const { page, faults, close } = await openPage(browser, url);
    await page.getByRole('heading', { level: 1, name: `Task ${task}` }).waitFor();
    await page.getByText('no space left on device').first().waitFor();
    t.equal(
      await page.getByRole('button', { name: 'Run again…' }).getAttribute('aria-disabled'),
      'true',
      'a viewer does nothing',
    );
    await page.getByRole('tab', { name: 'Output' }).click();
    await page.getByText('The step has ended on 4 of 4 nodes, with 2 results.').waitFor();
    await page.getByRole('tab', { name: 'Events' }).click();
    await page.getByText('The task has ended: ended with failures').waitFor();
    await page.getByRole('tab', { name: 'Plan' }).click();
    await page.getByText('db-password').first().waitFor();
    await page.getByRole('tab', { name: 'Nodes' }).click();
    await page.goto(
      `${url}?node=${(await api.call<{ rows: { node_id: number }[] }>(`/task/${task}/runs?state=3`, undefined, 'GET')).data.rows[0]?.node_id}`,
    );
    await page.getByText('exit status 7').first().waitFor();
    await page.goto(`${url}?at=v3`);
    await page
      .getByText(/as it was then/)
      .first()
      .waitFor();
    if (process.env.RIGEL_TEST_PICTURES)
      await page.screenshot({ path: `${process.env.RIGEL_TEST_PICTURES}/bundle-past.png` });
    t.strictSame(await axeFindings(page), []);
    // What is not in the archive is refused, and the browser says so of each.
    t.strictSame(
      faults.filter((text) => !/status of 404/.test(text)),
      [],
    );
    await close();
    end.abort();
    t.equal((await opened).status, 0);
  },
);
