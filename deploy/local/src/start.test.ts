import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { until, untilGone } from './fixtures/until.js';
import { processStart } from './process-identity.js';

const START = fileURLToPath(new URL('./start.js', import.meta.url));

interface Started {
  process: ChildProcess;
  output: () => string;
  errors: () => string;
  /** Exit status or signal, once all output has been read: with the last process that holds it. */
  ended: Promise<number | string>;
}

function run(t: Test, command: string[], env: NodeJS.ProcessEnv): Started {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, npm_config_loglevel: 'error', ...env },
    // A group of its own, as a terminal gives a command, so that what the test leaves can be killed.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => {
    try {
      process.kill(-(child.pid as number), 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  return { process: child, output: () => output, errors: () => errors, ended };
}

async function folder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'rigel-start-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

const settings = (dir: string) => ({
  RIGEL_DATA_DIR: dir,
  RIGEL_HTTP_PORT: '0',
  RIGEL_EXECUTORS: '1',
  DATABASE_URL: '',
  NATS_URL: '',
});

/** Waits until every process was started once, and gives their numbers. */
async function allStarted(dir: string, run: Started): Promise<number[]> {
  const pidFiles = () =>
    existsSync(join(dir, 'run')) ? readdirSync(join(dir, 'run')).filter((f) => f.endsWith('.pid')) : [];
  const log = join(dir, 'logs', 'supervisor.log');
  await until(`gateway was started: ${run.errors()}`, () => {
    return existsSync(log) && readFileSync(log, 'utf8').includes('gateway started');
  });
  return pidFiles().map((file) => Number(readFileSync(join(dir, 'run', file), 'utf8')));
}

t.test('a wrong value is one line and exit status 1', async (t) => {
  const dir = await folder(t);
  const { ended, output, errors } = run(t, [process.execPath, START], {
    ...settings(dir),
    RIGEL_EXECUTORS: 'many',
  });
  t.equal(await ended, 1);
  t.equal(errors(), 'rigel: RIGEL_EXECUTORS = many is wrong: expected a whole number from 1 to 64\n');
  t.equal(output(), '');
  t.strictSame(readdirSync(dir), []);
});

t.test('a file or folder that is wrong ends the start in one line', async (t) => {
  const dir = await folder(t);
  const at = (name: string) => join(dir, name);
  const files = {
    profiles: '{"clusters": [{"cluster": "lab", "usr": "x"}]}',
    providers: '{"vm": {"1": {"adapter": "clown"}}}',
    text: 'nothing',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(at(name), text);
  await mkdir(at('folder'));
  const tls = { RIGEL_HTTP_TLS_CERT_FILE: at('text'), RIGEL_HTTP_TLS_KEY_FILE: at('text') };
  const cases: [Record<string, string>, RegExp][] = [
    [{ RIGEL_SECRETS_DIR: at('none') }, /RIGEL_SECRETS_DIR = .*none cannot be read \(ENOENT\)$/],
    [{ RIGEL_SECRETS_DIR: at('text') }, /RIGEL_SECRETS_DIR = .*text cannot be read \(ENOTDIR\)$/],
    [{ RIGEL_SSH_KNOWN_HOSTS: at('none') }, /RIGEL_SSH_KNOWN_HOSTS = .*none cannot be read \(ENOENT\)$/],
    [{ RIGEL_SSH_PROFILES_FILE: at('none') }, /RIGEL_SSH_PROFILES_FILE = .*none cannot be read \(ENOENT\)$/],
    [{ RIGEL_SSH_PROFILES_FILE: at('folder') }, /RIGEL_SSH_PROFILES_FILE = .* cannot be read \(EISDIR\)$/],
    [{ RIGEL_SSH_PROFILES_FILE: at('text') }, /RIGEL_SSH_PROFILES_FILE = .*text is not a file with JSON$/],
    [{ RIGEL_PROVIDERS_FILE: at('none') }, /RIGEL_PROVIDERS_FILE is wrong: .*: cannot be read \(ENOENT\)$/],
    [{ RIGEL_PROVIDERS_FILE: at('folder') }, /RIGEL_PROVIDERS_FILE is wrong: .*: cannot be read \(EISDIR\)$/],
    [{ RIGEL_PROVIDERS_FILE: at('providers') }, /RIGEL_PROVIDERS_FILE is wrong: .*"clown" must be one of/],
    [{ RIGEL_NATS_CA_FILE: at('none') }, /RIGEL_NATS_CA_FILE = .*none cannot be read \(ENOENT\)$/],
    // What only the service finds that reads it: two executors the same, and the gateway.
    [
      { RIGEL_SSH_PROFILES_FILE: at('profiles') },
      /RIGEL_SSH_PROFILES_FILE is wrong: .*profiles: clusters\[0\]\.usr is not a known key; .* user$/,
    ],
    [tls, /RIGEL_HTTP_TLS_(CERT|KEY)_FILE/],
  ];
  for (const [wrong, line] of cases) {
    const own = await folder(t);
    const started = run(t, [process.execPath, START], { ...settings(own), RIGEL_EXECUTORS: '2', ...wrong });
    t.equal(await started.ended, 1, String(line));
    // On a machine that has much to do it may say that something takes its time.
    const said = started
      .errors()
      .split('\n')
      .filter((one) => !/ is still starting; /.test(one));
    t.match(said, [/^rigel: RIGEL_/, ''], 'one line');
    t.match(said[0], line);
    t.notMatch(started.output(), /is running/);
    t.strictSame(existsSync(join(own, 'run')) ? readdirSync(join(own, 'run')) : [], []);
  }
});

/** A folder that several starts use, one after the other: only the first one makes a database. */
const kept = await mkdtemp(join(tmpdir(), 'rigel-start-'));
t.teardown(() => rm(kept, { recursive: true }));

/** Starts everything in that folder, whose logs are those of this start. */
async function startKept(t: Test, command: string[], env: NodeJS.ProcessEnv = {}) {
  await rm(join(kept, 'logs'), { recursive: true, force: true });
  const started = run(t, command, { ...settings(kept), ...env });
  const pids = await allStarted(kept, started);
  t.ok(pids.length >= 2, 'the servers at least');
  return { started, pids };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  t.test(`${signal} stops everything, and the exit status is 0`, async (t) => {
    const { started, pids } = await startKept(t, [process.execPath, START], { RIGEL_HTTP_PROT: '1' });
    if (signal === 'SIGTERM')
      await t.test('a second instance on the same folder is refused in one line', (t) =>
        secondInstance(t, started),
      );
    started.process.kill(signal);
    t.equal(await started.ended, 0, started.errors());
    t.match(started.output(), /Rigel is stopped\.\n$/);
    t.match(started.errors(), /RIGEL_HTTP_PROT is not a known variable .* RIGEL_HTTP_PORT/);
    for (const pid of pids) t.equal(await processStart(pid), undefined);
    t.strictSame(readdirSync(join(kept, 'run')), []);
  });
}

async function secondInstance(t: Test, first: Started): Promise<void> {
  const second = run(t, [process.execPath, START], settings(kept));
  t.equal(await second.ended, 1);
  t.match(
    second.errors(),
    new RegExp(
      `^rigel: the data folder ${kept} is in use by another instance \\(pid ${first.process.pid}\\)`,
    ),
  );
  t.equal(second.errors().trim().split('\n').length, 1);
}

t.test('it stops when the package manager that started it is ended alone', async (t) => {
  // npm passes SIGTERM on to a shell only, which ends without passing it on.
  const command = ['npm', 'exec', '--offline', '--call', `node ${START}; exit $?`];
  const { started, pids } = await startKept(t, command);
  started.process.kill('SIGTERM');
  for (const pid of pids) await untilGone(pid);
  await until('the pid files are removed', () => readdirSync(join(kept, 'run')).length === 0);
  await until('it says so', () => started.output().includes('Rigel is stopped.'));
});
