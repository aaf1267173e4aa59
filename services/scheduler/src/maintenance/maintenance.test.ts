import { type AttemptResult, execution, tasks } from '@rigel/contracts';
import { readHead } from '@rigel/event-store';
import { rebuildHistory } from '@rigel/event-store/maintenance';
import { openExisting } from '@rigel/runtime/database';
import { silentLogger, startTestServers } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import t, { type Test } from 'tap';
import { up as countIgnored } from '../migrations/0015-ignored-errors.js';
import { migrations } from '../migrations/index.js';
import { differences } from '../testing/differences.js';
import { Counterpart, serveNeighbours, startReplica } from '../testing/scheduler.js';
import { schedulerHistory } from './history.js';
import { taskAt } from './task-at.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
serveNeighbours(await servers.startBus('neighbours'));
const counterpart = new Counterpart(await servers.startBus('counterpart'));
const scheduler = await startReplica(servers);
t.teardown(() => scheduler.stop());
const open = (): Promise<Kysely<unknown>> =>
  openExisting({ url: servers.databaseUrl, schema: 'scheduler', migrations, log: silentLogger });
const db = await open();
t.teardown(() => db.destroy());

let nextNode = 1;
async function createTask(nodes: number, options: { max_num?: number; template_id?: number } = {}) {
  const { ids } = await counterpart.patiently(tasks.create, {
    template_id: 1,
    task_name: 'test',
    timeout: 0,
    auto: true,
    max_ratio: 100,
    max_num: 0,
    opr_user: 'root',
    nodes: Array.from({ length: nodes }, () => `10.0.0.${nextNode++}`),
    params: {},
    ...options,
  });
  const id = ids[0] as number;
  const { rows } = await counterpart.call(tasks.detail, { id });
  return { id, runs: rows.map((run) => run.id) };
}

const finished = await createTask(2);
const [firstRun = 0, secondRun = 0] = finished.runs;
const { lease, next } = await counterpart.claim(finished.id, firstRun);
await counterpart.call(
  execution.report,
  { ...counterpart.report(finished.id, firstRun, lease, next), host_key: 'ssh-ed25519 AAAA' },
  finished.id,
);
const again = await counterpart.claim(finished.id, firstRun);
await counterpart.call(
  execution.report,
  counterpart.report(finished.id, firstRun, again.lease, again.next),
  finished.id,
);
await counterpart.finish(finished.id, secondRun);
const held = await createTask(1);

/** Does something to the tables that no service would; afterwards they are as before. */
async function tamper(
  t: Test,
  what: string,
  statement: string,
  expected: (string | RegExp)[],
): Promise<void> {
  await sql.raw(statement).execute(db);
  const found = await differences(servers);
  t.match(found, expected, `${what}: ${found.join(' | ')}`);
  t.equal(found.length, expected.length, what);
  await rebuildHistory(db, schedulerHistory);
  t.strictSame(await differences(servers), [], `${what}: repaired`);
}

t.test('each change to a read table is named exactly, and a rebuild repairs it', async (t) => {
  t.strictSame(await differences(servers), []);
  await tamper(
    t,
    'a value of a task',
    `UPDATE tasks SET name = 'other', pool_id = 7 WHERE id = ${finished.id}`,
    ['tasks id=1: name is "other", by the events "test"', 'tasks id=1: pool_id is 7, by the events 1'],
  );
  await tamper(t, 'a value of a run', `UPDATE runs SET state = 3 WHERE id = ${secondRun}`, [
    'runs task_id=1 index=1: state is 3, by the events 2',
  ]);
  await tamper(t, 'a deleted run', `DELETE FROM runs WHERE id = ${firstRun}`, [
    /^runs task_id=1 index=0: there is no row, by the events \{.*"ip":"10\.0\.0\.1"/,
  ]);
  await tamper(t, 'a deleted task', `DELETE FROM runs WHERE task_id = 2; DELETE FROM tasks WHERE id = 2`, [
    /^tasks id=2: there is no row/,
    /^runs task_id=2 index=0: there is no row/,
  ]);
  await tamper(
    t,
    'an added task and run',
    `INSERT INTO tasks SELECT 99, name, template_id, template_name, pool_id, pool_name, options, batch_size, operator,
       flow_type, state, end_reason, stat, active, version, created_at, updated_at FROM tasks WHERE id = 1;
     INSERT INTO runs SELECT 99, 99, index, batch, node_id, ip, vm_id, state, step, steps, created_at, updated_at
       FROM runs WHERE id = ${firstRun}`,
    [
      'tasks id=99: there is a row, by the events there is none',
      'runs task_id=99 index=0: there is a row, by the events there is none',
    ],
  );
  await tamper(t, 'a run of another task', `UPDATE runs SET task_id = 2, index = 5 WHERE id = ${secondRun}`, [
    /^runs task_id=1 index=1: there is no row/,
    'runs task_id=2 index=5: there is a row, by the events there is none',
  ]);
  await tamper(t, 'a deleted hold', `DELETE FROM node_holds WHERE task_id = ${held.id}`, [
    'node_holds node_id=3 task_id=2: there is no row, by the events {"node_id":3,"task_id":2,"expires_at":null}',
  ]);
  await tamper(
    t,
    'a hold that would expire',
    `UPDATE node_holds SET expires_at = 1 WHERE task_id = ${held.id}`,
    [/^node_holds node_id=3 task_id=2: there is no row/],
  );
  await tamper(
    t,
    'an added hold',
    `INSERT INTO node_holds VALUES (77, ${finished.id}, NULL), (78, NULL, NULL)`,
    [
      'node_holds node_id=77 task_id=1: there is a row, by the events there is none',
      'node_holds node_id=78 task_id=null: there is a row, by the events there is none',
    ],
  );
  await tamper(t, 'a changed host key', `UPDATE host_keys SET host_key = 'x' WHERE node_id = 1`, [
    'host_keys node_id=1: host_key is "x", by the events "ssh-ed25519 AAAA"',
  ]);
  await tamper(t, 'a deleted host key', `DELETE FROM host_keys WHERE node_id = 1`, [
    /^host_keys node_id=1: there is no row/,
  ]);
  await tamper(t, 'an added host key', `INSERT INTO host_keys VALUES (9, 'y')`, [
    'host_keys node_id=9: there is a row, by the events there is none',
  ]);
  await tamper(
    t,
    'the node of one task held by another',
    `UPDATE node_holds SET task_id = ${finished.id} WHERE task_id = ${held.id}`,
    [
      'node_holds node_id=3 task_id=1: there is a row, by the events there is none',
      /^node_holds node_id=3 task_id=2: there is no row/,
    ],
  );
});

t.test('what does not follow from the events stays through a rebuild', async (t) => {
  await sql`INSERT INTO attempt_output VALUES (${firstRun}, 0, 1, 0, 'output')`.execute(db);
  await sql`INSERT INTO node_holds VALUES (500, NULL, 99999999999999), (501, 1, 99999999999999)`.execute(db);
  await sql`INSERT INTO event_checkpoints (consumer, owner, position) VALUES ('c', 'scheduler', 3)`.execute(
    db,
  );
  const beside = async () => [
    (await sql`SELECT * FROM attempt_output ORDER BY 1, 2, 3, 4`.execute(db)).rows,
    (await sql`SELECT * FROM node_holds WHERE expires_at IS NOT NULL ORDER BY 1`.execute(db)).rows,
    (await sql`SELECT * FROM counters ORDER BY 1`.execute(db)).rows,
    (await sql`SELECT * FROM event_checkpoints`.execute(db)).rows,
  ];
  const before = await beside();
  t.strictSame(await differences(servers), []);
  await rebuildHistory(db, schedulerHistory);
  t.strictSame(await beside(), before);
  await sql`UPDATE event_checkpoints SET position = 1000000`.execute(db);
  t.match(await differences(servers), [
    /^event_checkpoints: c stands at position 1000000 of scheduler, whose head is \d+$/,
  ]);
  await sql`UPDATE event_checkpoints SET position = 3, event_position = 3, event = 'task-9 1 2020-01-01T00:00:00.000Z c'`.execute(
    db,
  );
  t.match(await differences(servers), [
    /^event_checkpoints: c has followed scheduler to position 3, which was "task-9 1 2020-\S+ c" and is "task-1 3 \S+ \S+" now$/,
  ]);
  await sql`DELETE FROM event_checkpoints`.execute(db);
});

t.test('missing events are named, and nothing is rebuilt from what is left', async (t) => {
  const head = await readHead(db);
  /** Deletes an event and puts it back. */
  const without = async (condition: string, check: (found: string[]) => void): Promise<void> => {
    await sql.raw(`CREATE TEMPORARY TABLE kept AS SELECT * FROM events WHERE ${condition}`).execute(db);
    await sql.raw(`DELETE FROM events WHERE ${condition}`).execute(db);
    check(await differences(servers));
    await t.rejects(rebuildHistory(db, schedulerHistory), { name: 'HistoryDamaged' });
    await sql`INSERT INTO events SELECT * FROM kept`.execute(db);
    await sql`DROP TABLE kept`.execute(db);
    t.strictSame(await differences(servers), []);
  };
  await without(
    `stream = 'task-1' AND version = 4`,
    (found) =>
      void t.strictSame(found, [
        `events: position 4 missing, the head is ${head}`,
        'events: task-1 lacks version 4, so its rows are not compared',
      ]),
  );
  await without(
    `stream = 'task-1' AND version IN (1, 2)`,
    (found) =>
      void t.strictSame(found, [
        `events: positions 1 to 2 missing, the head is ${head}`,
        'events: task-1 lacks versions 1 to 2, so its rows are not compared',
      ]),
  );
  await without(`position = ${head}`, (found) => {
    t.equal(found[0], `events: position ${head} missing, the head is ${head}`);
    t.ok(
      found.slice(1).every((line) => /^(tasks id=2|runs task_id=2|node_holds)/.test(line)),
      'and what its rows have that the events have not',
    );
  });
  await sql`UPDATE event_head SET position = position - 1`.execute(db);
  t.strictSame(await differences(servers), [
    `event_head: the head is ${head - 1}, but there are events up to position ${head}`,
  ]);
  await sql`UPDATE event_head SET position = ${head}`.execute(db);
});

t.test('an event that is not known stops both, and is named', async (t) => {
  await sql`UPDATE events SET schema = 2 WHERE position = 3`.execute(db);
  const message =
    'event 3 (task-1, version 3) is a BatchStarted of schema version 2; this program knows versions 1 to 1';
  await t.rejects(differences(servers), { message });
  await t.rejects(rebuildHistory(db, schedulerHistory), { message });
  await sql`UPDATE events SET schema = 1 WHERE position = 3`.execute(db);
  t.strictSame(await differences(servers), []);
});

t.test('a stream that makes no sense is named, the others are compared', async (t) => {
  await sql`UPDATE events SET data = jsonb_set(data, '{run}', '7') WHERE stream = 'task-1' AND type = 'RunSucceeded'`.execute(
    db,
  );
  const found = await differences(servers);
  t.match(found, [/^events: task-1 cannot be folded at version \d+: task 1 has no run 7$/]);
  t.equal(found.length, 1);
  await sql`UPDATE events SET data = jsonb_set(data, '{run}', CASE WHEN data->>'node' = '1' THEN '0' ELSE '1' END::jsonb)
    WHERE stream = 'task-1' AND type = 'RunSucceeded'`.execute(db);
  t.strictSame(await differences(servers), []);
});

t.test('a task as it was', async (t) => {
  const versions = Number(
    (await sql<{ n: number }>`SELECT count(*) AS n FROM events WHERE stream = 'task-1'`.execute(db)).rows[0]
      ?.n,
  );
  const now = await taskAt(db, finished.id, 'now', 3);
  t.match(now, {
    versions,
    task: { version: versions, status: 'finished', endReason: 'completed', counts: { succeeded: 2 } },
  });
  t.strictSame(
    now.events.map(({ version }) => version),
    [versions - 2, versions - 1, versions],
  );
  t.match(await taskAt(db, finished.id, { version: 1 }, 3), {
    task: { version: 1, status: 'created', counts: { waiting: 2 } },
    events: [{ type: 'TaskCreated' }],
  });
  t.match((await taskAt(db, finished.id, { version: 4 }, 1)).task.runs[0], {
    phase: 'leased',
    holder: 'executor-1',
  });
  const createdAt = now.task.createdAt;
  t.match(await taskAt(db, finished.id, { time: createdAt }, 9), { task: { version: 3, status: 'running' } });
  t.match(await taskAt(db, finished.id, { time: createdAt + 1e9 }, 9), { task: { version: versions } });
  await t.rejects(taskAt(db, 4711, 'now', 1), { message: 'there is no task 4711' });
  await t.rejects(taskAt(db, finished.id, { version: versions + 1 }, 1), {
    message: `task 1 has ${versions} versions by now, not ${versions + 1}`,
  });
  await t.rejects(taskAt(db, finished.id, { time: createdAt - 1 }, 1), {
    message: `task 1 did not exist then: it was created at ${new Date(createdAt).toISOString()}, by version 1`,
  });
});

t.test('ignored errors are counted, by a migration in the tables of earlier releases too', async (t) => {
  const { id, runs } = await createTask(3, { template_id: 2 });
  const [passed = 0, failed = 0, clean = 0] = runs;
  const failing = async (runId: number, result: Partial<AttemptResult>): Promise<void> => {
    const { lease, next } = await counterpart.claim(id, runId);
    for (let instruction = next; instruction.do !== 'release'; ) {
      // The first step succeeds.
      const outcome = instruction.step === 0 ? {} : { status: 'failed' as const, reason: 'no', ...result };
      const report = counterpart.report(id, runId, lease, instruction, outcome);
      const answer = await counterpart.call(execution.report, report, id);
      if (answer.status !== 'accepted') throw new Error(answer.reason);
      instruction = answer.next;
    }
  };
  await failing(passed, { exit_code: 1 });
  await failing(failed, { not_begun: true });
  await counterpart.finish(id, clean);
  const row = { state: 3, end_reason: 'partial', stat: [0, 0, 2, 1, 0], ignored: 1 };
  t.match(await counterpart.call(tasks.get, { id }), row);
  t.match((await counterpart.call(tasks.list, { page: 1, page_size: 1 })).rows, [row]);
  t.strictSame(await differences(servers), []);
  await sql`ALTER TABLE tasks DROP COLUMN ignored`.execute(db);
  await countIgnored(db);
  t.strictSame(await differences(servers), [], 'the migration counts what the events tell');
});

t.test(
  'rebuilding again and again while tasks run: every answer is right, and nothing differs',
  async (t) => {
    let working = true;
    const work = async (): Promise<void> => {
      for (let round = 0; round < 4; round++) {
        const { id, runs } = await createTask(6, { max_num: 3 });
        for (const run of runs.slice(0, 4)) await counterpart.finish(id, run);
        if (round % 2 === 0) {
          await counterpart.patiently(tasks.pause, { id, opr_user: 'root' });
          await counterpart.patiently(tasks.start, { id, opr_user: 'root' });
        }
        if (round === 3) await counterpart.patiently(tasks.stop, { id, opr_user: 'root' });
        else for (const run of runs.slice(4)) await counterpart.finish(id, run);
        t.match(await counterpart.call(tasks.get, { id }), { state: round === 3 ? 4 : 2 });
      }
    };
    const all = Promise.all([work(), work(), work()]).finally(() => {
      working = false;
    });
    const other = await open();
    t.teardown(() => other.destroy());
    let rebuilds = 0;
    const rebuilding = (async () => {
      while (working) {
        await sql`UPDATE runs SET step = 77, updated_at = 1 WHERE id % 3 = 0`.execute(db);
        await rebuildHistory(db, schedulerHistory);
        rebuilds++;
      }
    })();
    let checks = 0;
    const checking = (async () => {
      while (working) {
        const found = await differences(servers);
        const unexpected = found.filter((line) => !/^runs .*: (step is 77|updated_at is 1),/.test(line));
        if (unexpected.length > 0) t.strictSame(unexpected, [], 'while it runs');
        checks++;
      }
    })();
    await Promise.all([all, rebuilding, checking]);
    await rebuildHistory(db, schedulerHistory);
    t.strictSame(await differences(servers), []);
    t.ok(rebuilds > 0 && checks > 0, `${rebuilds} rebuilds, ${checks} checks`);
  },
);
