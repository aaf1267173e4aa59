import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { child, events } from './fixtures/children.js';
import { until, untilGone } from './fixtures/until.js';
import { lastErrorLine } from './last-error-line.js';
import { processStart } from './process-identity.js';
import { waitUntilReady } from './readiness.js';
import { RunFolder } from './run-folder.js';
import { Supervisor } from './supervisor.js';
import { createSupervisorLog } from './supervisor-log.js';

const FAST = { firstMs: 50, maxMs: 100, resetAfterMs: 60_000 };

async function setUp(t: Test) {
  const dir = await mkdtemp(join(tmpdir(), 'rigel-supervisor-'));
  const logDir = join(dir, 'logs');
  mkdirSync(logDir);
  const notices: string[] = [];
  const supervisor = new Supervisor({
    logDir,
    runFolder: new RunFolder(join(dir, 'run')),
    log: createSupervisorLog(join(logDir, 'supervisor.log'), (line) => notices.push(line)),
    backoff: FAST,
    stopDeadlineMs: 1_000,
  });
  t.teardown(async () => {
    await supervisor.stop();
    await rm(dir, { recursive: true });
  });
  const pidFile = (name: string) => join(dir, 'run', `${name}.pid`);
  const statusOf = (name: string) => supervisor.processes.find((process) => process.name === name);
  const pidOf = (name: string) => statusOf(name)?.pid;
  /** Waits until the process is at work again, as it says itself, and the supervisor has counted the start. */
  const restarted = async (name: string, times: number) => {
    await started(join(dir, 'events'), name, times + 1);
    await until(`${name} is counted as restarted`, () => {
      const status = statusOf(name);
      return status?.restarts === times && status.pid !== undefined;
    });
  };
  return { restarted, dir, supervisor, notices, pidFile, pidOf, eventFile: join(dir, 'events') };
}

const started = (eventFile: string, name: string, times = 1) =>
  until(`${name} started`, () => {
    return (
      existsSync(eventFile) && events(eventFile).filter((line) => line === `${name} started`).length === times
    );
  });

t.test('a process that ends is started again, with a wait and a log line', async (t) => {
  const { dir, supervisor, notices, pidFile, pidOf, eventFile, restarted } = await setUp(t);
  await supervisor.start([child('one', 1, { CHILD_EVENTS: eventFile })]);
  await started(eventFile, 'one');
  const first = pidOf('one') as number;
  t.equal(readFileSync(pidFile('one'), 'utf8'), `${first}\n`);

  supervisor.kill('one', 'SIGKILL');
  await restarted('one', 1);
  const second = pidOf('one') as number;
  t.not(second, first);
  t.equal(readFileSync(pidFile('one'), 'utf8'), `${second}\n`);
  t.strictSame(notices, [`one (pid ${first}) ended with signal SIGKILL; starting it again in 0.05 s`]);
  supervisor.kill('one', 'SIGTERM');
  await restarted('one', 2);
  t.equal(notices[1], `one (pid ${second}) ended with exit code 0; starting it again in 0.1 s`);
  t.match(supervisor.processes, [{ name: 'one', restarts: 2, lastExit: { code: 0, signal: null } }]);

  const log = readFileSync(join(dir, 'logs', 'supervisor.log'), 'utf8')
    .trim()
    .split('\n');
  t.match(
    log.map((line) => JSON.parse(line)).find(({ level }) => level === 40),
    { process: 'one', pid: first, code: null, signal: 'SIGKILL', waitMs: 50 },
  );
  t.throws(() => supervisor.kill('two', 'SIGTERM'), { message: 'there is no process named two' });
});

t.test('its log is JSON lines, error output included, and its environment what it was given', async (t) => {
  const { dir, supervisor, eventFile } = await setUp(t);
  process.env.SECRET_OF_THE_PARENT = 'x';
  await supervisor.start([child('one', 1, { CHILD_EVENTS: eventFile })]);
  delete process.env.SECRET_OF_THE_PARENT;
  const file = join(dir, 'logs', 'one.log');
  await until('both lines are there', () => readFileSync(file, 'utf8').split('\n').length > 2);
  const entries = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const out = entries.find(({ msg }) => msg === 'started');
  t.match(out, { name: 'one', env: { CHILD_NAME: 'one' } });
  t.notOk('SECRET_OF_THE_PARENT' in out.env);
  t.match(
    entries.find(({ stream }) => stream === 'stderr'),
    {
      level: 50,
      name: 'one',
      msg: 'a line of error output with a "quote"',
    },
  );
  t.equal(await lastErrorLine(file), 'a line of error output with a "quote"');
});

t.test('processes are stopped stage by stage, each gone before the next is asked', async (t) => {
  const { supervisor, pidFile, pidOf, eventFile } = await setUp(t);
  const env = { CHILD_EVENTS: eventFile, CHILD_SLOW_STOP_MS: '150' };
  const names = ['last', 'first', 'middle-1', 'middle-2'];
  await supervisor.start([child('last', 9, env), child('first', 1, env)]);
  await supervisor.start([child('middle-1', 5, env), child('middle-2', 5, env)]);
  for (const name of names) await started(eventFile, name);
  const pids = names.map(pidOf);

  await supervisor.stop();
  const [, , , , ...stops] = events(eventFile);
  t.strictSame(stops.slice(0, 2), ['first stopping', 'first stopped']);
  t.strictSame(
    stops.slice(2, 4).sort(),
    ['middle-1 stopping', 'middle-2 stopping'],
    'one stage at the same time',
  );
  t.strictSame(stops.slice(4, 6).sort(), ['middle-1 stopped', 'middle-2 stopped']);
  t.strictSame(stops.slice(6), ['last stopping', 'last stopped']);
  for (const pid of pids) t.equal(await processStart(pid as number), undefined);
  for (const name of names) t.notOk(existsSync(pidFile(name)));
  await t.rejects(supervisor.start([child('late', 1)]), { message: 'the supervisor is stopping' });
});

t.test('a process that ignores SIGTERM is killed after the deadline', async (t) => {
  const { supervisor, pidOf, eventFile } = await setUp(t);
  await supervisor.start([child('stubborn', 1, { CHILD_EVENTS: eventFile, CHILD_STUBBORN: 'yes' })]);
  await started(eventFile, 'stubborn');
  const pid = pidOf('stubborn') as number;
  await supervisor.stop();
  t.strictSame(events(eventFile), ['stubborn started', 'stubborn ignores SIGTERM']);
  t.equal(await processStart(pid), undefined);
  t.match(supervisor.processes, [{ lastExit: { code: null, signal: 'SIGKILL' } }]);
});

t.test('everything can be killed at once while it is being stopped', async (t) => {
  const { supervisor, pidOf, eventFile } = await setUp(t);
  const env = { CHILD_EVENTS: eventFile, CHILD_STUBBORN: 'yes' };
  await supervisor.start([child('one', 1, env), child('two', 2, env)]);
  await started(eventFile, 'one');
  await started(eventFile, 'two');
  const two = pidOf('two') as number;
  const stopped = supervisor.stop();
  supervisor.killAll();
  await stopped;
  t.notOk(events(eventFile).includes('two ignores SIGTERM'), 'it was not asked');
  t.equal(await processStart(two), undefined);
});

t.test('stopping does not wait for a process that waits to be started again', async (t) => {
  const { supervisor, notices } = await setUp(t);
  await supervisor.start([child('failing', 1, { CHILD_FAILS: 'no such table: tasks' })]);
  await until('it failed twice', () => notices.length >= 2);
  await supervisor.stop();
  const count = notices.length;
  t.match(notices[0], /^failing \(pid \d+\) ended with exit code 3; starting it again in 0.05 s$/);
  t.match(supervisor.processes, [{ pid: undefined }]);
  t.equal(notices.length, count);
});

t.test('a command that cannot be run at all is an error at once', async (t) => {
  const { supervisor } = await setUp(t);
  const spec = { ...child('missing', 1), command: '/nowhere/to/be/found' };
  await t.rejects(supervisor.start([spec]), { message: /^cannot run \/nowhere\/to\/be\/found: .*ENOENT/ });
  await t.rejects(supervisor.start([child('missing', 1)]), {
    message: 'there is already a process named missing',
  });
});

t.test('a process whose server could not be started again is tried again', async (t) => {
  const { supervisor, notices, eventFile } = await setUp(t);
  const real = new Supervisor({ ...(await inner(t)), backoff: FAST });
  let starts = 0;
  // A server, to the outer supervisor: a real process, which the inner one holds.
  await supervisor.start([
    {
      name: 'server',
      stopStage: 1,
      start: async ({ onExit }) => {
        starts += 1;
        if (starts === 2) throw new Error('the port is taken');
        const name = `child-${starts}`;
        await real.start([child(name, 1, { CHILD_EVENTS: eventFile })]);
        const pid = real.processes.find((process) => process.name === name)?.pid as number;
        void untilGone(pid).then(() => onExit({ code: null, signal: 'SIGKILL' }));
        return { url: '', port: 0, pid, stop: () => real.stop() };
      },
    },
  ]);
  supervisor.kill('server', 'SIGKILL');
  await until('started a third time', () => starts === 3);
  await until('again there', () => supervisor.processes[0]?.pid !== undefined);
  t.match(notices[1], /^server could not be started again: the port is taken; starting it again in 0.1 s$/);
  t.match(supervisor.processes, [{ restarts: 1, lastError: undefined }]);
  await real.stop();
});

async function inner(t: Test) {
  const dir = await mkdtemp(join(tmpdir(), 'rigel-supervisor-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return {
    logDir: dir,
    runFolder: new RunFolder(join(dir, 'run')),
    log: createSupervisorLog(join(dir, 'supervisor.log'), () => undefined),
  };
}

t.test('what is not ready in time is named, with its last error and its log', async (t) => {
  const { dir, supervisor, notices, eventFile } = await setUp(t);
  const asked = {
    ...child('asked', 1, { CHILD_EVENTS: eventFile }),
    readiness: { url: 'http://127.0.0.1:1/readyz' },
  };
  const failing = child('failing', 1, { CHILD_FAILS: 'relation tasks does not exist' });
  await supervisor.start([asked, failing]);
  await until('it was started again', () => notices.length >= 2);
  const error = await waitUntilReady(supervisor, [asked, failing], 500, new AbortController().signal).then(
    () => undefined,
    (error: Error) => error,
  );
  const lines = error?.message.split('\n') ?? [];
  t.match(lines[0], /^not ready within 0.5 s \(asked says: .+\)$/);
  t.match(
    lines[1],
    /^ {2}failing (is not running|keeps ending), started again \d+ times, last ended with exit code 3; its log: /,
  );
  t.ok(lines[1]?.endsWith(join(dir, 'logs', 'failing.log')));
  t.equal(lines[2], '    last error there: relation tasks does not exist');
  t.equal(lines.length, 3, 'what runs is not blamed');
});
