import {
  findRuns,
  findTasks,
  live,
  nodeRuns,
  orphans,
  overview,
  plans,
  type RpcRequest,
  recordedPlan,
  schedulerSystem,
  search,
  taskBatches,
  taskFailures,
  taskGrid,
  taskPast,
  tasks,
  taskWhy,
} from '@rigel/contracts';
import { silentLogger, startTestServers, statementsOf, walksOf } from '@rigel/testing';
import { CompiledQuery } from 'kysely';
import pg from 'pg';
import t from 'tap';
import { Counterpart, serveNeighbours, startReplica } from '../testing/scheduler.js';
import { openCommits } from './connections.js';
import { COMMIT } from './sql/commit.js';
import { CREATE } from './sql/create.js';

/*
 * 10,000 tasks with 200,000 node runs and 500,000 events, and among them a real one. What is looked at are the plans of
 * the statements that the service really sends.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
serveNeighbours(await servers.startBus('neighbours'));
const replica = await startReplica(servers);
t.teardown(() => replica.stop());
const counterpart = new Counterpart(await servers.startBus('counterpart'));
const { ids } = await counterpart.patiently(tasks.create, {
  template_id: 1,
  task_name: 'real',
  timeout: 0,
  auto: true,
  max_ratio: 100,
  max_num: 0,
  opr_user: 'root',
  nodes: ['10.0.0.1', '10.0.0.2'],
  params: {},
});
const id = ids[0] as number;
const { rows: runs } = await counterpart.call(tasks.detail, { id });
const run = runs[0]?.id as number;
await counterpart.finish(id, run);

// While there are hardly any rows, as when a scheduler has just been started for the first time.
const commits = openCommits(servers.databaseUrl, silentLogger);
const early = new Map<string, string[]>();
// Prepared and explained with no values, as `EXPLAIN (GENERIC_PLAN)` does from PostgreSQL 16 on.
await commits.transaction().execute(async (trx) => {
  const run = <Row>(text: string) => trx.executeQuery<Row>(CompiledQuery.raw(text));
  for (const [what, text] of Object.entries({
    'a commit': COMMIT.text,
    'the creation of tasks': CREATE.text,
  })) {
    await run(`PREPARE explained AS ${text}`);
    const [{ count }] = (
      await run<{ count: number }>(
        `SELECT cardinality(parameter_types) AS count FROM pg_prepared_statements WHERE name = 'explained'`,
      )
    ).rows as [{ count: number }];
    const values = Array.from({ length: count }, () => 'NULL').join();
    const { rows } = await run<{ 'QUERY PLAN': string }>(`EXPLAIN EXECUTE explained (${values})`);
    early.set(
      what,
      rows.map((row) => row['QUERY PLAN']),
    );
    await run('DEALLOCATE explained');
  }
});
const planned = await commits.transaction().execute(async (trx) => {
  const run = (text: string) => trx.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text));
  await run('PREPARE one AS SELECT FROM tasks WHERE id = $1');
  for (const id of [1, 2, 3]) await run(`EXECUTE one(${id})`);
  const { rows } = await run('SELECT generic_plans, custom_plans FROM pg_prepared_statements');
  return rows;
});
await commits.destroy();

const database = new pg.Client({ connectionString: servers.databaseUrl });
await database.connect();
t.teardown(() => database.end());
// Events before the first one: nobody follows them, and each is found in its stream all the same.
await database.query(`
  SET search_path = scheduler;
  INSERT INTO tasks SELECT 1000 + n, 'rollout of version ' || n, n % 50, template_name, n % 500, pool_name, options,
      batch_size, 'operator ' || n % 100, flow_type, 2 + n % 3, 'completed', '{0,0,20,0,0}', false, 50, n, n, 0, n, n, NULL, 1, NULL
    FROM tasks, generate_series(1, 10000) n WHERE id = ${id};
  INSERT INTO runs SELECT 1000 + n, 1001 + (n - 1) / 20, (n - 1) % 20, 0, n % 1000, ip, vm_id, 2, 2, steps, n, n
    FROM runs, generate_series(1, 200000) n WHERE id = ${run};
  INSERT INTO events SELECT -n, 'task-' || 1001 + (n - 1) / 50, 1 + (n - 1) % 50, 'RunSucceeded', 1, '{"run": 1}', '{}', n
    FROM generate_series(1, 500000) n;
  INSERT INTO node_holds SELECT 1000 + n, 1001 + (n - 1) / 20, NULL FROM generate_series(1, 100000) n;
  INSERT INTO host_keys SELECT 1000 + n, 'ssh-ed25519 AAAA' FROM generate_series(1, 100000) n;
  INSERT INTO attempt_output SELECT 1000 + n, 0, 1, 0, 'output' FROM generate_series(1, 200000) n;
`);
await database.query('VACUUM ANALYZE');

const BIG = ['tasks', 'runs', 'events', 'attempt_output', 'node_holds', 'host_keys'];
const first = { page: 1, page_size: 10 };
const HELD = Array.from({ length: 1_000 }, (_, n) => 1_001 + n * 90);

const found = (filter: Partial<RpcRequest<typeof findTasks>>) =>
  counterpart.call(findTasks, { sort: 'created', limit: 10, ...filter });

const pattern = { q: 'nothing', regex: false, ignore_case: true };
/** As the tab of events and the live stream ask. */
const history = (asked: Partial<RpcRequest<typeof live.taskEvents>>) =>
  counterpart.call(live.taskEvents, { id: 1_001, after: 0, limit: 10, ...asked });
const AHEAD = { before: 2_147_483_647 };

const reads: Record<string, () => Promise<unknown>> = {
  'the plan that a task was recorded with': () => counterpart.call(recordedPlan, { id }),
  'account of a node run': () => counterpart.call(nodeRuns.account, { id: run }),
  'why of a node run': () => counterpart.call(nodeRuns.why, { id: run }),
  'a range of output': () =>
    counterpart.call(nodeRuns.outputRange, { id: 1_001, step: 1, attempt: 1, from: -5, length: 5 }),
  'a search through an output': () =>
    counterpart.call(nodeRuns.searchOutput, {
      ...pattern,
      id: 1_001,
      step: 1,
      attempt: 1,
      from: 0,
      limit: 10,
    }),
  'a search through the output of a task': () =>
    counterpart.call(nodeRuns.searchTask, { ...pattern, id: 1_001, limit: 10 }),
  'events of a task from the first on': () => history({}),
  'the newest events of a task': () => history(AHEAD),
  'older events of a task': () => history({ before: 20 }),
  'the newest events of a task by name': () =>
    history({ ...AHEAD, names: ['node_succeeded', 'node_failed'] }),
  'the newest events of a task of a name that it does not have': () =>
    history({ ...AHEAD, names: ['task_paused'] }),
  'the newest events of a node run': () => history({ ...AHEAD, id, run_id: run }),
  'the newest events of a node run by name': () =>
    history({ ...AHEAD, id, run_id: run, names: ['step_failed', 'node_released'] }),
  'output of a node run as it is followed': () =>
    counterpart.call(live.runOutput, { id: run, after: { step: 0, attempt: 1, byte: 0 } }),
  'why of a task': () => counterpart.call(taskWhy, { id }),
  'a task as it was at a time': () => counterpart.call(taskPast.at, { id, time: Date.now() }),
  'key frames of a task': () => counterpart.call(taskPast.frames, { id, count: 5 }),
  'the course of a task': () => counterpart.call(taskPast.timeline, { id, buckets: 10 }),
  'list of tasks': () => counterpart.call(tasks.list, first),
  'list of tasks, last page': () => counterpart.call(tasks.list, { page: 1_000, page_size: 10 }),
  'list of tasks, page past the end': () => counterpart.call(tasks.list, { page: 9_999, page_size: 10 }),
  'list of tasks, the longest page': () => counterpart.call(tasks.list, { page: 1, page_size: 10_000 }),
  'list of tasks by keyword': () => counterpart.call(tasks.list, { name: 'version 77', ...first }),
  'list of tasks by a keyword that fits none': () => counterpart.call(tasks.list, { name: 'none', ...first }),
  'list of tasks by keyword, last page': () =>
    counterpart.call(tasks.list, { name: 'version 7', page: 111, page_size: 10 }),
  'a task': () => counterpart.call(tasks.get, { id }),
  'node runs of a task': () => counterpart.call(tasks.detail, { id }),
  'tasks, newest first': () => found({}),
  'tasks of a pool': () => found({ pool_ids: [7] }),
  'tasks of some pools': () => found({ pool_ids: [7, 8, 9] }),
  'tasks in a state': () => found({ state: [1] }),
  'tasks that ended so': () => found({ end_reason: ['timeout'] }),
  'tasks of a template': () => found({ template_id: 3 }),
  'tasks of an operator': () => found({ opr_user: 'operator 7' }),
  'tasks of a node': () => found({ node_id: 7 }),
  'tasks of a schedule': () => found({ schedule_id: 7 }),
  'tasks of a time': () => found({ from: 5_000, to: 5_100 }),
  'tasks that are not over': () => found({ active: true }),
  'tasks by keyword': () => found({ q: 'version 77' }),
  'tasks of a pool by failed nodes': () => found({ pool_ids: [7], sort: 'failed' }),
  'the grid of a task': () => counterpart.call(taskGrid, { id }),
  'what changed in the grid of a task': () => counterpart.call(taskGrid, { id, after: '2' }),
  'runs of a task': () => counterpart.call(findRuns, { id, sort: 'batch', limit: 10 }),
  'failed runs of a task by address': () =>
    counterpart.call(findRuns, { id, sort: 'address', limit: 10, state: [3], reason: 'space' }),
  'one run of a task': () => counterpart.call(findRuns, { id, sort: 'batch', limit: 10, run_id: run }),
  'batches of a task': () => counterpart.call(taskBatches, { id, limit: 10 }),
  'failures of a task': () => counterpart.call(taskFailures, { id, limit: 10 }),
  'who holds 1,000 nodes': () => counterpart.call(tasks.holders, { node_ids: HELD }),
  'a removal of 1,000 nodes that are held': () =>
    counterpart.call(tasks.reserveNodes, { node_ids: HELD, ttl_ms: 1_000 }).catch(() => undefined),
  'tasks of a pool, and what holds its nodes': () =>
    counterpart.call(tasks.ofPool, { pool_id: 1, limit: 10 }),
  'runs of a node': () => counterpart.call(tasks.runsOfNode, { node_id: 7, pool_id: 1, limit: 20 }),
  'the nodes that a task holds': () => counterpart.call(tasks.heldNodes, { task_id: 1_001 }),
  'who holds nodes, and their host keys': () =>
    counterpart.call(tasks.holders, { node_ids: HELD, host_keys: true }),
  'the plan of a task over 1,000 nodes': () =>
    counterpart.call(plans.create, {
      ...{ template_id: 1, task_name: 'planned', timeout: 0, auto: true, max_ratio: 100, max_num: 0 },
      ...{ opr_user: 'root', params: {}, nodes: HELD.map((node) => `10.0.0.${node}`) },
    }),
  'equal output of the nodes of a task': () => counterpart.call(nodeRuns.outputGroups, { id, limit: 10 }),
  'the output of all nodes of a task': () => counterpart.call(nodeRuns.outputPieces, { id, limit: 10 }),
  'the latest output of all nodes of a task': () =>
    counterpart.call(nodeRuns.outputPieces, { id, limit: 10, since: 1 }),
  'what running a task again would do': () =>
    counterpart.call(plans.again, { id, opr_user: 'root' }).catch(() => undefined),
  'log of a task': () => counterpart.call(tasks.log, { id, after: 0 }),
  'last lines of the log of a task': () => counterpart.call(tasks.log, { id, after: 1_000 }),
  'the overview': () => counterpart.call(overview.tasks, {}),
  'machines that may have been made': () => counterpart.call(orphans.read, {}),
  'the processes': () => counterpart.call(schedulerSystem, {}),
  'a search for the id of a task': () => counterpart.call(search.scheduler, { q: `#${id}`, kinds: ['task'] }),
  'a search for the name of a task': () => counterpart.call(search.scheduler, { q: 'real', kinds: ['task'] }),
  'output of a node run': () => counterpart.call(tasks.nodeLog, { id: run }),
};

for (const [what, plan] of early) {
  t.test(
    `${what} finds its rows in indexes, also when it was planned while there were hardly any`,
    async (t) => {
      t.ok(plan.some((line) => line.includes(' on event_head')));
      // The table with the last position has one row.
      t.strictSame(
        plan.filter((line) => /Seq Scan on (?!event_head)|Hash Join|Merge Join/.test(line)),
        [],
      );
    },
  );
}

t.test('statements of commits and creations are not planned anew each time', async (t) => {
  t.strictSame(planned, [{ generic_plans: 3, custom_plans: 0 }]);
});

t.test('a commit finds its runs by their ids', async (t) => {
  const plan = early.get('a commit') ?? [];
  t.ok(plan.some((line) => line.includes('Index Scan using runs_pkey on runs')));
});

for (const [what, read] of Object.entries(reads)) {
  t.test(what, async (t) => {
    const statements = await statementsOf(read);
    const selects = statements.filter(({ text }) => /^\s*(select|with)/i.test(text));
    t.ok(selects.length > 0, 'statements were sent');
    for (const statement of selects) {
      // The engine looks for its tasks meanwhile, in an index that has only those with something to do.
      const walks = (await walksOf(database, statement, BIG)).filter((w) => !w.includes('by tasks_active'));
      t.strictSame(
        // Names are looked through from the newest on, until the page is full: 3 ms where none of 10,000 fits. Those of
        // several pools too, if so many fit that this is faster than sorting them.
        /keyword|some pools/.test(what) ? walks.filter((walk) => !walk.includes('by tasks_pkey')) : walks,
        [],
        statement.text,
      );
    }
  });
}

t.test('how many nodes are in which state is read, not counted', async (t) => {
  const statements = await statementsOf(() => counterpart.call(tasks.get, { id }));
  t.notOk(statements.some(({ text }) => /\bruns\b/.test(text)));
  t.match(await counterpart.call(tasks.get, { id }), { stat: [1, 0, 1, 0, 0] });
});
