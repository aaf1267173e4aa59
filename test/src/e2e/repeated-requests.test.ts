import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { findFreePort } from '@rigel/local-servers';
import { waitFor } from '@rigel/testing';
import pg from 'pg';
import t, { type Test } from 'tap';
import { loopbackNodes, uniqueName } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';
import { addProcess } from '../support/service-process.js';

/* Clients and proxies that repeat a request under its Idempotency-Key, while processes are killed and several do it at once. */

const SCHEDULERS = ['scheduler-1', 'scheduler-2'];
/** Id of a provider that there is not: steps fail without touching anything. */
const NO_PROVIDER = 987_654_321;

interface Answered {
  status: number;
  text: string;
  taskIds: string | null;
  replayed: boolean;
}

type Post = (url: string, path: string, body: object, key: string, signal?: AbortSignal) => Promise<Answered>;

function posting({ api }: Rig): Post {
  return async (url, path, body, key, signal = AbortSignal.timeout(60_000)) => {
    const response = await api.fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: 'tester', 'idempotency-key': key },
      body: JSON.stringify(body),
      signal,
    });
    return {
      status: response.status,
      text: await response.text(),
      taskIds: response.headers.get('x-task-id'),
      replayed: response.headers.get('idempotent-replayed') === 'true',
    };
  };
}

/** Sends a request whose answer is lost: its client gives it up. @returns what gives it up. */
function sendInVain(
  t: Test,
  { post, urls: [url = ''] }: Context,
  path: string,
  body: object,
  key: string,
): () => void {
  const gone = new AbortController();
  let answered = false;
  post(url, path, body, key, gone.signal).then(
    () => {
      answered = true;
    },
    () => undefined,
  );
  return () => {
    t.notOk(answered, 'nobody was told');
    gone.abort();
  };
}

/** As a client does that knows that it may. */
function untilDone(
  { post, urls: [url = ''] }: Context,
  path: string,
  body: object,
  key: string,
): Promise<Answered> {
  return waitFor(
    async () => {
      // What was sent to one that was just killed is never answered: a client need not wait for it, since it may ask again.
      const answer = await post(url, path, body, key, AbortSignal.timeout(3_000)).catch(() => undefined);
      return answer?.status === 200 ? answer : undefined;
    },
    { what: `${path} is done`, timeoutMs: 60_000 },
  );
}

t.test('requests that are repeated', async (t) => {
  const rig = await startRig({
    apart: true,
    executors: 1,
    schedulers: 2,
    twice: ['inventory'],
    env: { executor: { RIGEL_EXECUTOR_CAPABILITIES: 'ssh,noop' } },
    backoff: { firstMs: 500, maxMs: 2_000, resetAfterMs: 60_000 },
  });
  t.teardown(() => rig.stop());
  const port = await findFreePort();
  const second = await addProcess(rig.specs, 'gateway', {
    name: 'gateway-2',
    env: { RIGEL_HTTP_PORT: String(port) },
  });
  t.teardown(async () => {
    const exited = once(second, 'exit');
    second.kill('SIGTERM');
    await exited;
  });
  const urls = [rig.stack.httpUrl, `${new URL(rig.stack.httpUrl).protocol}//127.0.0.1:${port}`];
  const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
  await database.connect();
  t.teardown(() => database.end());
  const context: Context = { rig, urls, database, post: posting(rig) };

  await t.test('at once, at two gateways and two replicas: one task, one object', (t) => atOnce(t, context));
  await t.test('the scheduler is killed between the commit and the answer', (t) =>
    killedAfterCommit(t, context),
  );
  await t.test('the scheduler is killed before the commit', (t) => killedBeforeCommit(t as Test, context));
  await t.test('the scheduler is killed between nodes and task of an expand', (t) =>
    killedInExpand(t, context),
  );
});

interface Context {
  rig: Rig;
  urls: readonly string[];
  database: pg.Client;
  post: Post;
}

const nodes = loopbackNodes(20, 9, 4_000);

/** A task over a node of its own, that waits for its start. */
async function newTask({ rig }: Context): Promise<{ task_name: string }> {
  const node = nodes.shift() as string;
  await rig.fleet.pool([node]);
  const template_id = await rig.fleet.template({ nothing: { command: '', type: 'noop' } });
  const task = { template_id, nodes: [{ ip: node }], params: {}, auto: 0 };
  return { ...task, task_name: uniqueName('task') };
}

async function tasksNamed({ database }: Context, name: string): Promise<number[]> {
  const { rows } = await database.query('SELECT id FROM scheduler.tasks WHERE name = $1 ORDER BY id', [name]);
  return rows.map(({ id }) => Number(id));
}

async function atOnce(t: Test, context: Context): Promise<void> {
  const { urls, database, post } = context;
  const body = await newTask(context);
  const key = randomUUID();
  const many = <T>(work: (url: string) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: 20 }, (_, n) => work(urls[n % 2] as string)));
  const made = await many((url) => post(url, '/task/create', body, key));
  t.strictSame([...new Set(made.map(({ status }) => status))], [200]);
  t.equal(new Set(made.map(({ taskIds }) => taskIds)).size, 1);
  t.equal(made.filter(({ replayed }) => !replayed).length, 1, 'one of them made it');
  t.strictSame(await tasksNamed(context, body.task_name), [Number(made[0]?.taskIds)]);

  const name = uniqueName('cluster');
  const clusters = await many((url) => post(url, '/cluster/create', { name, desc: '', biz: '' }, key));
  t.strictSame([...new Set(clusters.map(({ status, text }) => `${status} ${text}`))].length, 1);
  const { rows } = await database.query('SELECT id FROM inventory.clusters WHERE name = $1', [name]);
  t.equal(rows.length, 1);
}

/**
 * Has the commits of the scheduler that keep an answer wait until they are let go: the trigger runs when the client has asked for
 * the commit, and the server does not look at the client meanwhile.
 */
async function stallCommits(
  t: Test,
  { rig, database }: Context,
): Promise<{ stalled: () => Promise<number>; letGo: () => Promise<void> }> {
  const keeper = new pg.Client({ connectionString: rig.stack.databaseUrl });
  await keeper.connect();
  await database.query(`
    CREATE FUNCTION public.stall() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$`);
  await database.query(`
    CREATE CONSTRAINT TRIGGER stall AFTER INSERT ON scheduler.kept_answers
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.stall()`);
  await keeper.query('SELECT pg_advisory_lock(4711)');
  let held = true;
  const letGo = async (): Promise<void> => {
    if (!held) return;
    held = false;
    await keeper.query('SELECT pg_advisory_unlock(4711)');
    await database.query('DROP TRIGGER stall ON scheduler.kept_answers');
    await database.query('DROP FUNCTION public.stall()');
    await keeper.end();
  };
  t.teardown(letGo);
  const stalled = (): Promise<number> =>
    waitFor(
      async () => {
        const { rows } = await database.query(
          `SELECT pid FROM pg_stat_activity WHERE wait_event = 'advisory' AND query ILIKE 'commit%'`,
        );
        return rows[0]?.pid as number | undefined;
      },
      { what: 'a commit that waits', timeoutMs: 30_000 },
    );
  return { stalled, letGo };
}

function killSchedulers({ rig }: Context): void {
  for (const name of SCHEDULERS) rig.stack.kill(name, 'SIGKILL');
}

async function killedAfterCommit(t: Test, context: Context): Promise<void> {
  const body = await newTask(context);
  const key = randomUUID();
  const { stalled, letGo } = await stallCommits(t, context);
  const giveUp = sendInVain(t, context, '/task/create', body, key);
  await stalled();
  killSchedulers(context);
  giveUp();
  await letGo();
  const [id, ...others] = await waitFor(
    async () => {
      const ids = await tasksNamed(context, body.task_name);
      return ids.length > 0 && ids;
    },
    { what: 'what was committed is there', timeoutMs: 30_000 },
  );
  t.strictSame(others, []);
  const again = await untilDone(context, '/task/create', body, key);
  t.match(again, { replayed: true, taskIds: String(id) });
  t.strictSame(await tasksNamed(context, body.task_name), [id]);
}

async function killedBeforeCommit(t: Test, context: Context): Promise<void> {
  const {
    post,
    urls: [url = ''],
  } = context;
  const body = await newTask(context);
  const key = randomUUID();
  const { stalled, letGo } = await stallCommits(t, context);
  const giveUp = sendInVain(t, context, '/task/create', body, key);
  const backend = await stalled();
  killSchedulers(context);
  giveUp();
  const { database } = context;
  await database.query('SELECT pg_terminate_backend($1)', [backend]);
  await waitFor(
    async () =>
      (await database.query('SELECT FROM pg_stat_activity WHERE pid = $1', [backend])).rowCount === 0,
    { what: 'the transaction is gone' },
  );
  await letGo();
  t.strictSame(await tasksNamed(context, body.task_name), [], 'nothing of it stays');
  const again = await untilDone(context, '/task/create', body, key);
  t.strictSame(await tasksNamed(context, body.task_name), [Number(again.taskIds)]);
  t.match(await post(url, '/task/create', body, key), {
    status: 200,
    replayed: true,
    taskIds: again.taskIds,
  });
}

async function killedInExpand(t: Test, context: Context): Promise<void> {
  const { rig, database } = context;
  const {
    post,
    urls: [url = ''],
  } = context;
  const steps = [{ name: 'create_vm', param_values: { vm_type_id: NO_PROVIDER } }];
  const expand = await rig.api.ok<number>('/task_tpl/create', { name: uniqueName('grow'), desc: '', steps });
  const { poolId } = await rig.fleet.pool([]);
  await rig.api.ok(`/pool/update/${poolId}`, { vm_type: NO_PROVIDER, tasks: { expand } });
  const nodesOf = (): Promise<{ id: number }[]> => rig.api.ok(`/pool/${poolId}/list_nodes`);
  const key = randomUUID();

  const keeper = new pg.Client({ connectionString: rig.stack.databaseUrl });
  await keeper.connect();
  t.teardown(() => keeper.end());
  await keeper.query('BEGIN');
  await keeper.query(`SELECT last FROM scheduler.counters WHERE name = 'task' FOR UPDATE`);
  const giveUp = sendInVain(t, context, `/pool/expand/${poolId}`, { num: 3 }, key);
  await waitFor(async () => (await nodesOf()).length === 3, { what: 'the nodes are entered' });
  const entered = (await nodesOf()).map(({ id }) => id);
  killSchedulers(context);
  giveUp();
  await keeper.query('ROLLBACK');

  const again = await untilDone(context, `/pool/expand/${poolId}`, { num: 3 }, key);
  t.strictSame(
    (await nodesOf()).map(({ id }) => id),
    entered,
    'the nodes are those that were entered before',
  );
  const runs = await rig.api.detail(Number(again.taskIds));
  t.strictSame(
    runs.map(({ node_id }) => node_id),
    entered,
  );
  const { rows } = await database.query('SELECT id FROM scheduler.tasks WHERE pool_id = $1', [poolId]);
  t.equal(rows.length, 1);
  t.match(await post(url, `/pool/expand/${poolId}`, { num: 3 }, key), {
    replayed: true,
    taskIds: again.taskIds,
  });
}
