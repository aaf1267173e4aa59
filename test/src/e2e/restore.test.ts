import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import { ensureDebianPostgres, ensureNatsServer, startNats, startPostgres } from '@rigel/local-servers';
import { waitFor } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';
import { addProcess } from '../support/service-process.js';

const NODES = 8;

const linesOf = async (folder: string, file: string): Promise<string[]> =>
  (await readFile(join(folder, file), 'utf8').catch(() => '')).split('\n').filter(Boolean).sort();

/** Runs a program of PostgreSQL's, the password aside: others see the arguments of a command. */
function runPostgres(program: string, databaseUrl: string, ...args: string[]): void {
  const url = new URL(databaseUrl);
  const PGPASSWORD = url.password;
  url.password = '';
  const { status, stderr } = spawnSync(program, [...args, '-d', url.href], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, PGPASSWORD },
  });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
}

/** Makes an empty database on a server, in place of the one that was there. */
async function makeDatabase(serverUrl: string, name: string): Promise<void> {
  const server = new pg.Client({ connectionString: serverUrl });
  await server.connect();
  await server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await server.query(`CREATE DATABASE ${name}`);
  await server.end();
}

/** What a service has logged at a level. */
async function logged(rig: Rig, process: string, level: string): Promise<{ time: number; msg: string }[]> {
  const lines = await linesOf(join(rig.dataDir, 'logs'), `${process}.log`);
  return lines
    .map((line) => JSON.parse(line) as { level: string | number; time: string; msg: string })
    .filter((entry) => entry.level === level)
    .map(({ time, msg }) => ({ time: Date.parse(time), msg }));
}

const postgres = await ensureDebianPostgres();
const skip = postgres ? false : 'PostgreSQL with pg_dump is not installed, and cannot be';

/* As docs/operating.md tells it. */
t.test(
  'yesterday’s dump and an empty NATS: the system comes up, says what it lost, and goes on',
  { skip },
  async (t) => {
    if (!postgres) return;
    const folder = await mkdtemp(join(tmpdir(), 'rigel-restore-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const binary = await ensureNatsServer({
      cacheDir: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rigel'),
      log: t.comment,
    });
    const startServer = (port?: number) =>
      startNats({
        binary,
        storeDir: join(folder, 'nats'),
        logFile: join(folder, 'nats.log'),
        ...(port ? { port } : {}),
      });
    let nats = await startServer();
    t.teardown(() => nats.stop());
    const database = await startPostgres({
      dataDir: join(folder, 'postgres'),
      logFile: join(folder, 'postgres.log'),
      binaries: postgres,
      unsafeFast: true,
    });
    t.teardown(() => database.stop());
    await makeDatabase(database.url, 'rigel');
    const databaseUrl = database.url.replace(/[^/]*$/, 'rigel');
    // With the one that goes on from the dump, as many slots as half of the other nodes: each of two executors has to work.
    const slots = String(NODES / 2 + 1);
    const rig = await startRig({
      executors: 1,
      natsUrl: nats.url,
      databaseUrl,
      secured: false,
      env: { executor: { RIGEL_EXECUTOR_SLOTS: slots } },
    });
    t.teardown(() => rig.stop());
    const { sshd } = rig;
    const nodes = loopbackNodes(NODES, sshd.port);
    const hosts = nodes.map((node) => node.split(':')[0] ?? '').sort();
    await rig.fleet.pool(nodes);
    const note = (file: string) => `set -- $SSH_CONNECTION; echo "$3" >> ${file}`;
    // Until the end of the test, as far as the task is concerned.
    const held = `while [ ! -e let-go ]; do sleep 0.2; done`;
    const templates = async (prefix: string) => ({
      quick: await rig.fleet.template({ quick: { command: note(`${prefix}-quick`) } }),
      slow: await rig.fleet.template({
        slow: { command: `${note(`${prefix}-slow`)}; ${held}; echo "$3" >> ${prefix}-ended` },
      }),
    });
    const { quick, slow } = await templates('old');
    const all = { max_ratio: 100 };
    const first = await rig.fleet.startTask(quick, nodes, all);
    t.match(await rig.fleet.ended(first), { state: 2 });
    const [keptNode = ''] = loopbackNodes(1, sshd.port, NODES + 1);
    await rig.fleet.pool([keptNode]);
    const { slow: keptTemplate } = await templates('kept');
    const kept = await rig.fleet.startTask(keptTemplate, [keptNode]);
    await waitFor(async () => (await linesOf(sshd.home, 'kept-slow')).length === 1, {
      what: 'a command that runs while the backup is made',
      timeoutMs: 30_000,
    });

    const dump = join(folder, 'rigel.dump');
    runPostgres(postgres.pgDump, databaseUrl, '-Fc', '-f', dump);

    const outliving = await addProcess(rig.specs, 'executor-1', { name: 'outliving' });
    t.teardown(() => void outliving.kill('SIGKILL'));
    const [lateNode = ''] = loopbackNodes(1, sshd.port, NODES);
    await rig.fleet.pool([lateNode]);
    const finished = await rig.fleet.startTask(quick, nodes, all);
    t.match(await rig.fleet.ended(finished), { state: 2 });
    const running = await rig.fleet.startTask(slow, nodes, all);
    await waitFor(async () => (await linesOf(sshd.home, 'old-slow')).length === NODES, {
      what: 'a command on every node',
      timeoutMs: 30_000,
    });
    const events = await rig.api.fetch(`${rig.api.url}/task/${running}/events`, {
      signal: AbortSignal.timeout(30_000),
    });
    let told = '';
    const decoder = new TextDecoder();
    for await (const piece of events.body ?? []) {
      told += decoder.decode(piece as Uint8Array, { stream: true });
      if (told.includes('"executor":"outliving-')) break;
    }
    t.match(told, /"executor":"outliving-/, 'the executor that will outlive all this works on some of them');

    await rig.crash();
    await nats.stop();
    await rm(join(folder, 'nats'), { recursive: true });
    await makeDatabase(database.url, 'rigel');
    runPostgres(postgres.pgRestore, databaseUrl, '--exit-on-error', dump);
    const restored = Date.now();
    nats = await startServer(nats.port);
    await rig.startAgain();
    const { api, fleet } = rig;

    for (const [process, owner] of [
      ['scheduler', 'scheduler'],
      ['inventory', 'inventory'],
      ['catalog', 'catalog'],
      ['access', 'access'],
    ] as const) {
      const said = (await logged(rig, process, 'info')).filter(({ time }) => time >= restored);
      t.ok(
        said.some(({ msg }) => msg.startsWith(`the history of the ${owner} `)),
        `the ${process} says where its history ends`,
      );
    }
    for (const id of [finished, running])
      t.not((await api.call(`/task/${id}`)).code, 0, `task ${id} is forgotten`);
    const lost = await waitFor(
      async () =>
        (await logged(rig, 'scheduler', 'error')).find(({ msg }) =>
          msg.includes(`a task ${running} that this history`),
        ),
      { what: 'the scheduler tells of the work that it has forgotten', timeoutMs: 60_000 },
    );
    t.match(lost.msg, /restored from a backup/);

    // The forgotten ids are given again, on the same nodes, while the forgotten commands still run there.
    const fresh = await templates('new');
    const again = await fleet.startTask(fresh.quick, nodes, all);
    t.equal(again, finished, 'the id of a forgotten task');
    t.match(await fleet.ended(again), { state: 2, stat: [0, 0, NODES, 0, 0] }, 'the nodes are free');
    const third = await fleet.startTask(fresh.slow, nodes, all);
    t.equal(third, running, 'the id of the task whose commands still run');
    await waitFor(async () => (await linesOf(sshd.home, 'new-slow')).length === NODES, {
      what: 'its own command on every node',
      timeoutMs: 30_000,
    });
    t.same(await linesOf(sshd.home, 'old-ended'), [], 'the forgotten commands run beside it');
    t.match(await api.task(third), { state: 1 }, 'nothing of them was taken for its outcome');
    await writeFile(join(sshd.home, 'let-go'), '');
    t.match(await fleet.ended(third), { state: 2, stat: [0, 0, NODES, 0, 0] });
    t.match(
      await fleet.ended(kept),
      { state: 2 },
      'the task of the backup goes on with the command that ran then',
    );
    await waitFor(async () => (await linesOf(sshd.home, 'old-ended')).length === NODES, {
      what: 'the forgotten commands end',
    });
    const ran = {
      'old-quick': 2,
      'old-slow': 1,
      'old-ended': 1,
      'new-quick': 1,
      'new-slow': 1,
      'new-ended': 1,
    };
    for (const [file, times] of Object.entries(ran))
      t.same(
        await linesOf(sshd.home, file),
        hosts.flatMap((host) => Array(times).fill(host)),
        `${file}: ${times} each`,
      );

    for (const file of ['kept-slow', 'kept-ended'])
      t.same(await linesOf(sshd.home, file), [keptNode.split(':')[0]], `${file}: once`);

    const { status, stdout } = spawnSync(
      process.execPath,
      [join(REPOSITORY_DIR, 'deploy', 'cli', 'dist', 'main.js'), 'verify'],
      { encoding: 'utf8', env: { PATH: process.env.PATH, RIGEL_DATA_DIR: rig.dataDir } },
    );
    t.equal(status, 0, stdout);
  },
);
