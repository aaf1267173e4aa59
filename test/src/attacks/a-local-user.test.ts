import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectNats } from 'nats';
import pg from 'pg';
import t from 'tap';
import { type Rig, startRig } from '../support/rig.js';

/*
 * A user of the machine that Rigel runs on: without rights, with a shell, and with all of the machine's tools. They reach every port on
 * loopback, see every process and command line, and read whatever is not closed to them. The system runs as `pnpm start` runs it,
 * with access on and without the settings of a secured one.
 *
 * As root the attacks are made by a process of another user (nobody). Elsewhere there is no second user to become: then the modes
 * are looked at, and what needs no second user is tried all the same.
 */

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

let rig: Rig;
let parent: string;
t.before(async () => {
  // As on machines where everybody may enter the folder above, and read what is made.
  parent = await mkdtemp(join(tmpdir(), 'rigel-local-user-'));
  await chmod(parent, 0o755);
  const dataDir = join(parent, 'data');
  const before = process.umask(0);
  await mkdir(dataDir);
  rig = await startRig({
    apart: true,
    dataDir,
    secured: false,
    fastDatabase: true,
    env: { gateway: { RIGEL_ACCESS: 'on' } },
  });
  process.umask(before);
});
t.teardown(async () => {
  await rig?.stop();
  await rm(parent, { recursive: true, force: true });
});

/** What a shell of the other user prints and complains of. */
function asOther(script: string, input = ''): { stdout: string; stderr: string } {
  const { stdout, stderr, error } = spawnSync('/bin/sh', ['-c', script], {
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    cwd: '/',
    input,
    maxBuffer: 1 << 26,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  if (error) throw error;
  return { stdout, stderr };
}

async function allPaths(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const below = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => allPaths(join(folder, name)));
  return [...entries.map(({ name }) => join(folder, name)), ...(await Promise.all(below)).flat()];
}

/** What must not be seen: every password and key of the system. */
async function secrets(): Promise<string[]> {
  const natsFolder = join(rig.dataDir, 'secured', 'nats');
  const files = (await readdir(natsFolder)).filter((name) => name.endsWith('.password'));
  const found = await Promise.all(files.map((name) => readFile(join(natsFolder, name), 'utf8')));
  return [...found, new URL(rig.stack.databaseUrl).password];
}

t.test('a local user cannot enter the data folder, whatever the umask was', async (t) => {
  t.equal((await stat(rig.dataDir)).mode & 0o077 & ~0o011, 0);
  for (const path of await readdir(rig.dataDir))
    t.equal((await stat(join(rig.dataDir, path))).mode & 0o077, 0, `${path} is closed`);
  if (!isRoot) return;
  const paths = await allPaths(rig.dataDir);
  t.ok(paths.length > 50);
  const list = paths.join('\n');
  const { stdout } = asOther("tr '\\n' '\\0' | xargs -0 cat", list);
  const listed = asOther("tr '\\n' '\\0' | xargs -0 ls -d", [rig.dataDir, ...paths].join('\n')).stdout;
  t.equal(listed, `${rig.dataDir}\n`, 'of all paths only the first is seen to exist');
  t.equal(stdout, '', 'no file is read');
});

t.test('files with a secret are closed even where the folder is opened', async (t) => {
  const texts = await secrets();
  for (const path of await allPaths(rig.dataDir)) {
    const { mode, size } = await stat(path).catch(() => ({ mode: 0, size: 0 }));
    if ((mode & 0o170000) !== 0o100000 || size > 1_000_000) continue;
    const text = await readFile(path, 'latin1').catch(() => '');
    if (!texts.some((secret) => text.includes(secret)) && !text.includes('PRIVATE KEY')) continue;
    t.equal(mode & 0o077, 0, path);
  }
});

t.test('a local user is nobody in PostgreSQL: no password, no way in, and no socket', async (t) => {
  const { port } = new URL(rig.stack.databaseUrl);
  for (const user of ['rigel', 'postgres', 'nobody']) {
    for (const password of ['', user]) {
      const client = new pg.Client({
        host: '127.0.0.1',
        port: Number(port),
        user,
        password,
        database: 'postgres',
      });
      client.on('error', () => undefined);
      await t.rejects(client.connect(), { message: /password|SASL/ }, `${user} ${password}`);
      await client.end().catch(() => undefined);
    }
  }
  const { stdout } = asOther(`find /tmp /var/run /run -name '.s.PGSQL.${port}*' 2>/dev/null`);
  t.equal(stdout, '');
});

t.test('a local user is nobody in NATS', async (t) => {
  const { port, host } = new URL(rig.stack.natsUrl);
  await t.rejects(connectNats({ servers: host, reconnect: false }), { code: 'AUTHORIZATION_VIOLATION' });
  for (const user of ['gateway', 'scheduler', 'access'])
    await t.rejects(connectNats({ servers: host, user, pass: user, reconnect: false }), user);
  // By hand, as `nc` would.
  const socket = createConnection({ host: '127.0.0.1', port: Number(port) });
  await once(socket, 'data');
  socket.write('CONNECT {"verbose":true}\r\nPUB rigel.access.token.create 2\r\n{}\r\n');
  const answers: string[] = [];
  socket.on('data', (data) => answers.push(String(data)));
  await once(socket, 'close');
  t.match(answers.join(''), /Authorization Violation/);
});

t.test('a local user finds no secret in command lines and environments', async (t) => {
  const pids = rig.stack.processes.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  t.ok(pids.length >= 8);
  const texts = await secrets();
  const commandLines = (
    await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1')))
  ).join('\n');
  for (const secret of texts) t.notOk(commandLines.includes(secret), 'no command line has it');
  if (!isRoot) return;
  const { stdout } = asOther(`cat ${pids.map((pid) => `/proc/${pid}/environ`).join(' ')} 2>/dev/null`);
  t.equal(stdout, '', 'no environment is shown to another user');
});

t.test('a local user is not believed by the API, the ports of operation tell no secret', async (t) => {
  t.match(await rig.api.call('/task/list'), { status: 401 });
  for (const path of ['/readyz', '/healthz', '/metrics']) {
    const text = await fetch(`${rig.stack.httpUrl}${path}`).then((answer) => answer.text());
    for (const secret of await secrets()) t.notOk(text.includes(secret), path);
  }
});

t.test('a folder that was opened is closed at the next start, and the log says so', async (t) => {
  await rig.stack.stop();
  for (const path of [rig.dataDir, join(rig.dataDir, 'logs')]) await chmod(path, 0o755);
  await rig.startAgain();
  t.equal((await stat(rig.dataDir)).mode & 0o077 & ~0o011, 0);
  t.match(
    await readFile(join(rig.dataDir, 'logs', 'supervisor.log'), 'utf8'),
    /was open to other users \(mode 755\)/,
  );
});
