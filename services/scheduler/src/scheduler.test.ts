import {
  type AttemptResult,
  execution,
  live,
  ServiceError,
  tasks,
  WORK_STREAM,
  WORK_SUBJECTS,
  type WorkOffer,
} from '@rigel/contracts';
import { WorkQueue } from '@rigel/messaging';
import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { differences } from './testing/differences.js';
import { Counterpart, serveNeighbours, startReplica } from './testing/scheduler.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
/** What happens after the inventory was asked for nodes and before it answers. */
let whenAsked = async (): Promise<void> => undefined;
serveNeighbours(await servers.startBus('neighbours'), () => whenAsked());
const counterpart = new Counterpart(await servers.startBus('counterpart'));
let nextNode = 1;

/** Creates a task over nodes that no other test has used. */
async function createTask(nodes: number, options: { max_num?: number; auto?: boolean } = {}) {
  const request = {
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
  };
  const { ids } = await counterpart.patiently(tasks.create, request);
  const id = ids[0] as number;
  const { rows } = await counterpart.call(tasks.detail, { id });
  return { id, runs: rows.map((run) => run.id), request };
}

t.test(
  'a command that the database cannot keep fails alone, whatever it shares a transaction with',
  async (t) => {
    const scheduler = await startReplica(servers);
    t.teardown(() => scheduler.stop());
    const { id, runs } = await createTask(40);
    const leases = await Promise.all(runs.map((run) => counterpart.claim(id, run)));
    const reports = runs.map((run, index) => {
      const { lease, next } = leases[index] as (typeof leases)[number];
      return counterpart.call(execution.report, counterpart.report(id, run, lease, next), id);
    });
    const poison = t.rejects(counterpart.call(tasks.pause, { id, opr_user: 'a\0b' }), {
      code: 'invalid',
      message: /the database cannot keep it/,
    });
    const answers = await Promise.all(reports);
    await poison;
    t.same(
      answers.map(({ status }) => status),
      runs.map(() => 'accepted'),
    );
    t.match(await counterpart.call(tasks.get, { id }), { state: 1 });
  },
);

t.test(
  'what a node or a provider says is recorded as plain text, and nothing else of theirs is',
  async (t) => {
    const scheduler = await startReplica(servers);
    t.teardown(() => scheduler.stop());
    const { id, runs } = await createTask(1);
    const run = runs[0] as number;
    const { lease, next } = await counterpart.claim(id, run);
    const report = (result: Partial<AttemptResult>, rest: object = {}) =>
      counterpart.call(
        execution.report,
        { ...counterpart.report(id, run, lease, next, { status: 'failed', ...result }), ...rest },
        id,
      );
    for (const machine of [
      { vm_id: 'vm-1\0', ip: '' },
      { vm_id: 'vm 1', ip: '' },
      { vm_id: 'v'.repeat(256), ip: '' },
      { vm_id: 'vm-1', ip: '10.0.0.7\n' },
    ])
      await t.rejects(report({ reason: 'x', machine }), { code: 'invalid' });
    for (const host_key of ['ssh-ed25519 AAAA\0', 'ssh-ed25519', 'ssh-ed25519 AAAA comment', '\x1b[31m A'])
      await t.rejects(report({ reason: 'x' }, { host_key }), { code: 'invalid' });
    const reason = `bad\0reason \x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \ud800 \u202egnp.exe\r\n${'x'.repeat(3_000_000)}`;
    await report({ reason, exit_code: 99_999 });
    const { rows } = await counterpart.call(tasks.detail, { id });
    const shown = JSON.stringify(rows);
    t.match(shown, 'bad reason red link \ufffd gnp.exe xxx');
    t.ok(shown.length < 5_000, 'and not all of it');
    t.notMatch(shown, '99999');
  },
);

t.test('a run from claim to release; every answer agrees, and so do events and read tables', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const { id, runs } = await createTask(3, { max_num: 2 });
  const [first = 0, second = 0, third = 0] = runs;
  const { lease, next } = await counterpart.claim(id, first);
  t.match(next, { do: 'run', step: 0, attempt: 1, delay_ms: 0, begun: false, output_from: 0 });
  t.match(await counterpart.call(tasks.get, { id }), { state: 1, stat: [2, 1, 0, 0, 0] });

  const output = { offset: 0, data: Buffer.from('hello\n').toString('base64') };
  const ended = await counterpart.call(
    execution.report,
    { ...counterpart.report(id, first, lease, next), output, host_key: 'ssh-ed25519 AAAA' },
    id,
  );
  t.match(ended, { status: 'accepted', next: { do: 'run', step: 1, attempt: 1 } });
  if (ended.status !== 'accepted') return;
  const failed = counterpart.report(id, first, lease, ended.next, {
    status: 'failed',
    reason: 'exit status 3',
  });
  t.match(await counterpart.call(execution.report, failed, id), { next: { do: 'run', step: 1, attempt: 2 } });
  t.match(
    await counterpart.call(execution.report, failed, id),
    { next: { do: 'run', attempt: 2 } },
    'repeated',
  );
  const again = counterpart.report(
    id,
    first,
    lease,
    { do: 'stop', step: 1, attempt: 2 },
    { status: 'failed', reason: 'x' },
  );
  t.match(await counterpart.call(execution.report, again, id), {
    status: 'accepted',
    next: { do: 'release' },
  });

  t.same(await counterpart.call(tasks.nodeLog, { id: first }), {
    steps: [
      { name: 'one', text: 'hello\n' },
      { name: 'two', text: '[attempt 1 failed: exit status 3]\n[attempt 2 failed: x]\n' },
    ],
  });
  await counterpart.finish(id, second);
  await counterpart.finish(id, third);
  t.match(await counterpart.call(tasks.get, { id }), {
    state: 3,
    end_reason: 'partial',
    stat: [0, 0, 2, 1, 0],
  });
  t.same(await differences(servers), []);
});

t.test('who waits for the end of a task is answered when it is over, and not before', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const { id, runs } = await createTask(2);
  const awaitEnd = (wait_ms: number) => counterpart.call(tasks.awaitEnd, { id, wait_ms }, id);
  t.match(await awaitEnd(200), { over: false, task: { id, state: 1, stat: [2, 0, 0, 0, 0] } });
  const [first = 0, second = 0] = runs;
  await counterpart.finish(id, first);
  t.match(await awaitEnd(200), { over: false, task: { state: 1 } }, 'one node is still to come');
  const waiting = awaitEnd(10_000);
  await counterpart.finish(id, second);
  // When the time is up the answer is that it is not over.
  t.match(await waiting, { over: true, task: { id, state: 2, end_reason: 'completed' } });
  t.match(await awaitEnd(10_000), { over: true, task: { state: 2 } }, 'afterwards at once');
  await t.rejects(counterpart.call(tasks.awaitEnd, { id: id + 16, wait_ms: 10_000 }, id), {
    code: 'not_found',
  });
});

t.test(
  'who waits is told when a stopped task has nothing at work any more, or another replica runs it',
  async (t) => {
    const scheduler = await startReplica(servers);
    t.teardown(() => scheduler.stop());
    const stopped = await createTask(1);
    const run = stopped.runs[0] as number;
    const { lease } = await counterpart.claim(stopped.id, run);
    await counterpart.call(tasks.stop, { id: stopped.id, opr_user: 'root' });
    const awaitEnd = (wait_ms: number, id = stopped.id) =>
      counterpart.call(tasks.awaitEnd, { id, wait_ms }, id);
    t.match(await awaitEnd(100), { over: false, task: { end_reason: 'stopped' } }, 'its command may run');
    const over = awaitEnd(10_000);
    const report = counterpart.report(
      stopped.id,
      run,
      lease,
      { do: 'stop', step: 0, attempt: 1 },
      { status: 'stopped', reason: '' },
    );
    t.match(await counterpart.call(execution.report, report, stopped.id), { status: 'accepted' });
    t.match(await over, { over: true, task: { state: 4, end_reason: 'stopped' } });

    const { id } = await createTask(1);
    const waiting = awaitEnd(10_000, id);
    t.match(await awaitEnd(50, id), { over: false });
    const begun = Date.now();
    await scheduler.stop();
    await waiting.catch(() => undefined);
    t.ok(Date.now() - begun < 9_000, 'nobody is kept waiting by who does not run the task');
  },
);

t.test('a claim that asks for the plan gets it, granted or not', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const { id, runs } = await createTask(1);
  const claim = { task_id: id, run_id: runs[0] as number, executor: 'executor-1', capabilities: [] };
  const plan = await counterpart.call(execution.plan, { task_id: id }, id);
  t.match(plan, { task_id: id, steps: [{ name: 'one' }, { name: 'two' }] });
  const granted = await counterpart.call(execution.claim, { ...claim, plan: true }, id);
  t.equal(granted.status, 'granted');
  t.same(granted.plan, plan);
  const other = { ...claim, executor: 'executor-2' };
  const refused = await counterpart.call(execution.claim, { ...other, plan: true }, id);
  t.equal(refused.status, 'refused');
  t.same(refused.plan, plan);
  t.notOk((await counterpart.call(execution.claim, other, id)).plan, 'not asked for');
});

t.test('only the newest lease may report or send output', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const { id, runs } = await createTask(1);
  const run = runs[0] as number;
  const old = await counterpart.claim(id, run, 'executor-1');
  await counterpart.call(execution.handBack, { task_id: id, run_id: run, lease: old.lease }, id);
  const { lease, next } = await counterpart.claim(id, run, 'executor-2');
  t.match(next, { do: 'run', attempt: 1, begun: true }, 'the same attempt: it may be running');
  const late = counterpart.report(id, run, old.lease, old.next);
  t.match(await counterpart.call(execution.report, late, id), { status: 'refused' });
  const piece = { task_id: id, run_id: run, step: 0, attempt: 1, output: { offset: 0, data: '' } };
  await t.rejects(counterpart.call(execution.output, { ...piece, lease: old.lease }, id), ServiceError);
  t.match(await counterpart.call(execution.report, counterpart.report(id, run, lease, next), id), {
    status: 'accepted',
  });
});

t.test('output is sent again with more, because its sender was not told that it is stored', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const { id, runs } = await createTask(1);
  const run = runs[0] as number;
  const { lease, next } = await counterpart.claim(id, run);
  const piece = (text: string) => ({ offset: 0, data: Buffer.from(text).toString('base64') });
  const first = { task_id: id, run_id: run, lease, step: 0, attempt: 1, output: piece('begins\n') };
  const more = { ...first, output: piece('begins\ngoes on\n') };
  // The last two and the first may be committed together.
  await counterpart.call(execution.output, first, id);
  await Promise.all([first, more, first].map((output) => counterpart.call(execution.output, output, id)));
  const report = { ...counterpart.report(id, run, lease, next), output: piece('begins\ngoes on\nends\n') };
  await counterpart.call(execution.report, report, id);
  await counterpart.call(execution.report, { ...report, output: piece('begins\n') }, id);
  t.match(await counterpart.call(tasks.nodeLog, { id: run }), {
    steps: [{ name: 'one', text: 'begins\ngoes on\nends\n' }],
  });
});

t.test(
  'of output over its limit the beginning and the end are stored, and what is between is told',
  async (t) => {
    const scheduler = await startReplica(servers);
    t.teardown(() => scheduler.stop());
    const { id, runs } = await createTask(1);
    const run = runs[0] as number;
    const { lease, next } = await counterpart.claim(id, run, 'executor-1');
    const kept = { head: 10, tail: 10 };
    const pieceOf = (offset: number, text: string) => ({
      offset,
      data: Buffer.from(text).toString('base64'),
      ...(offset + text.length > 20 ? { kept } : {}),
    });
    const lost = (bytes: number) =>
      `\n[rigel: ${bytes} bytes left out: of an output over the limit the beginning and the end are kept]\n`;
    const read = (byte: number) =>
      counterpart.call(live.runOutput, { id: run, after: { step: 0, attempt: 1, byte } });
    const whole = async () => (await counterpart.call(tasks.nodeLog, { id: run })).steps[0]?.text;
    const sent: [offset: number, text: string, live: string, whole: string][] = [
      [0, 'beginning\n', 'beginning\n', 'beginning\n'],
      [10, 'goes on\n', 'goes on\n', 'beginning\ngoes on\n'],
      // Twelve bytes came too fast, and now some of what was stored is too old.
      [30, 'and on\n', `${lost(12)}and on\n`, `beginning\n${lost(20)}and on\n`],
      [37, 'and\n', 'and\n', `beginning\n${lost(20)}and on\nand\n`],
      [80, 'on\n', `${lost(39)}on\n`, `beginning\n${lost(70)}on\n`],
    ];
    let seen = 0;
    for (const [offset, text, news, all] of sent) {
      const piece = { task_id: id, run_id: run, lease, step: 0, attempt: 1, output: pieceOf(offset, text) };
      await counterpart.call(execution.output, piece, id);
      const { parts, place } = await read(seen);
      t.equal(parts.map((part) => part.text).join(''), news);
      t.equal(place.byte, offset + text.length);
      seen = place.byte;
      t.equal(await whole(), all);
    }
    // Another executor goes on where that one stopped.
    await counterpart.call(execution.handBack, { task_id: id, run_id: run, lease }, id);
    const taken = await counterpart.claim(id, run, 'executor-2');
    t.match(taken.next, { do: 'run', attempt: 1, begun: true, output_from: 83 });
    // The end comes once more, with what was passed over.
    const report = counterpart.report(id, run, taken.lease, next);
    const note = 'something is to be known';
    await counterpart.call(
      execution.report,
      { ...report, result: { ...report.result, note }, output: pieceOf(78, '1\non\nend.\n') },
      id,
    );
    t.equal(await whole(), `beginning\n${lost(68)}1\non\nend.\n`);
    t.equal((await read(seen)).parts[0]?.text, 'end.\n', 'who has read on gets what is new');
    const { rows } = await counterpart.call(tasks.detail, { id });
    t.match(rows[0], { steps: [{ state: 2, message: note }, {}] });
    const log = await counterpart.call(tasks.log, { id, after: 0 });
    t.match(JSON.stringify(log), /one attempt 1 succeeded in \S+ s; something is to be known/);
  },
);

t.test('a scheduler that is started again goes on: leases hold, reports count once', async (t) => {
  const first = await startReplica(servers);
  const { id, runs } = await createTask(2);
  const { lease, next } = await counterpart.claim(id, runs[0] as number);
  await first.stop();
  const second = await startReplica(servers, 'scheduler-again');
  t.teardown(() => second.stop());
  const report = counterpart.report(id, runs[0] as number, lease, next);
  t.match(await counterpart.patiently(execution.report, report, id), {
    status: 'accepted',
    next: { do: 'run', step: 1 },
  });
  t.match(await counterpart.patiently(execution.report, report, id), { next: { step: 1 } });
  const { steps } = (await counterpart.call(tasks.detail, { id })).rows[0] ?? {};
  t.match(steps, [{ state: 2, attempts: 1 }, { state: 1 }]);
  t.same(await differences(servers), []);
});

t.test('two replicas: when the owner goes, the other one takes over', async (t) => {
  const first = await startReplica(servers, 'scheduler-1');
  const { id, runs } = await createTask(2);
  const second = await startReplica(servers, 'scheduler-2');
  t.teardown(() => second.stop());
  const { lease, next } = await counterpart.claim(id, runs[0] as number);
  await first.stop();
  const report = counterpart.report(id, runs[0] as number, lease, next);
  t.match(await counterpart.patiently(execution.report, report, id), { status: 'accepted' });
  await counterpart.patiently(tasks.stop, { id, opr_user: 'root' });
  t.match(await counterpart.call(tasks.get, { id }), { state: 4, end_reason: 'stopped' });
});

t.test('the database goes away: refused as unavailable, and afterwards everything holds', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const { id, runs } = await createTask(1);
  const { lease, next } = await counterpart.claim(id, runs[0] as number);
  await servers.stopPostgres();
  const report = counterpart.report(id, runs[0] as number, lease, next);
  await t.rejects(counterpart.call(execution.report, report, id), { code: 'unavailable' });
  await servers.startPostgres();
  t.match(await counterpart.patiently(execution.report, report, id), { next: { do: 'run', step: 1 } });
  t.same(await differences(servers), []);
});

t.test('NATS loses its store: what nobody has claimed is offered again', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const { id, runs } = await createTask(2);
  await servers.stopNats();
  await servers.startNats({ forget: true });
  const bus = await servers.startBus('executor');
  const offered = new Set<number>();
  const stop = new AbortController();
  const consuming = new WorkQueue(bus, silentLogger).consume('ssh', {
    freeSlots: () => 10,
    slotFreed: async () => undefined,
    handler: async (offer: WorkOffer) => {
      if (offer.task_id === id) offered.add(offer.run_id);
    },
    signal: stop.signal,
  });
  await waitFor(() => offered.size === 2, { what: 'both runs are offered again', timeoutMs: 30_000 });
  stop.abort();
  await consuming;
  t.same([...offered].sort(), [...runs].sort());
});

t.test('JetStream takes nothing any more: runs are offered all the same', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const bus = await servers.startBus('executor');
  const manager = await bus.nats.jetstreamManager();
  // The scheduler may make the stream again in between.
  await waitFor(
    async () => {
      await manager.streams.delete(WORK_STREAM).catch(() => undefined);
      return manager.streams.add({ name: WORK_STREAM, subjects: [WORK_SUBJECTS], max_msg_size: 1 });
    },
    { what: 'the stream takes nothing' },
  );
  t.teardown(() => manager.streams.delete(WORK_STREAM));
  const offered = new Set<number>();
  const stop = new AbortController();
  const consuming = new WorkQueue(bus, silentLogger).consume('ssh', {
    freeSlots: () => 10,
    slotFreed: async () => undefined,
    handler: async (offer: WorkOffer) => void offered.add(offer.run_id),
    signal: stop.signal,
  });
  const { runs } = await createTask(2);
  await waitFor(() => runs.every((run) => offered.has(run)), {
    what: 'both runs are offered',
    timeoutMs: 30_000,
  });
  stop.abort();
  await consuming;
});

t.test('a node is held by one unfinished task, whoever comes at once', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const { id, request } = await createTask(2, { auto: false });
  const attempts = await Promise.allSettled(
    Array.from({ length: 8 }, () => counterpart.call(tasks.create, request)),
  );
  t.ok(attempts.every(({ status }) => status === 'rejected'));
  t.match((attempts[0] as PromiseRejectedResult).reason, {
    code: 'in_use',
    message: new RegExp(request.nodes[0] ?? ''),
  });
  const nodeIds = request.nodes.map((ip) => Number(ip.split('.')[3]));
  await t.rejects(counterpart.call(tasks.reserveNodes, { node_ids: nodeIds, ttl_ms: 5_000 }), {
    code: 'in_use',
  });
  await counterpart.call(tasks.stop, { id, opr_user: 'root' });
  await counterpart.call(tasks.reserveNodes, { node_ids: nodeIds, ttl_ms: 5_000 });
  await t.rejects(counterpart.call(tasks.create, request), { code: 'in_use' }, 'being removed');
});

t.test('a removal that is refused leaves the reservation of another one in force', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const { request: held } = await createTask(1, { auto: false });
  const [free, busy] = [nextNode++, Number(held.nodes[0]?.split('.')[3])];
  await counterpart.call(tasks.reserveNodes, { node_ids: [free], ttl_ms: 60_000 });
  const overlapping = [free, busy].sort((a, b) => a - b);
  await t.rejects(counterpart.call(tasks.reserveNodes, { node_ids: overlapping, ttl_ms: 1_000 }), {
    code: 'in_use',
    message: /^nodes are held: 10\.0\.0\.\d+ by task \d+ \(test, of root, since \d{4}-[-\d]+T[:.\d]+Z\)$/,
  });
  const overFree = { ...held, nodes: [`10.0.0.${free}`] };
  await t.rejects(counterpart.call(tasks.create, overFree), { code: 'in_use' });
  // A second removal of the same node may take its turn, and does not cut the first one short.
  await counterpart.call(tasks.reserveNodes, { node_ids: [free], ttl_ms: 1_000 });
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await t.rejects(counterpart.call(tasks.create, overFree), { code: 'in_use' });
});

t.test(
  'a node whose removal was under way when its task was asked for is not held, however late',
  async (t) => {
    const scheduler = await startReplica(servers);
    t.teardown(() => scheduler.stop());
    const { request } = await createTask(1, { auto: false });
    const node = nextNode++;
    await counterpart.call(tasks.reserveNodes, { node_ids: [node], ttl_ms: 3_000 });
    // The inventory has looked before the removal was committed; its answer comes when the reservation is over.
    whenAsked = () => new Promise((resolve) => setTimeout(resolve, 3_500));
    t.teardown(() => {
      whenAsked = async () => undefined;
    });
    const late = { ...request, nodes: [`10.0.0.${node}`] };
    await t.rejects(counterpart.call(tasks.create, late), { code: 'in_use' });
  },
);

t.test('output and the end of its attempt are stored while output is read: both are told', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const { id, runs } = await createTask(1);
  const run = runs[0] as number;
  const { lease, next } = await counterpart.claim(id, run);
  const output = { offset: 0, data: Buffer.from('hello\n').toString('base64') };
  await counterpart.call(execution.report, { ...counterpart.report(id, run, lease, next), output }, id);
  const [writer, watcher] = [1, 2].map(() => new pg.Client({ connectionString: servers.databaseUrl }));
  t.teardown(() => Promise.all([writer?.end(), watcher?.end()]));
  await Promise.all([writer?.connect(), watcher?.connect()]);

  // Reading stands still between output and events, and then both are there.
  await writer?.query('BEGIN; LOCK TABLE scheduler.events IN ACCESS EXCLUSIVE MODE');
  const after = { step: 0, attempt: 1, byte: 0 };
  const reading = counterpart.call(live.runOutput, { id: run, after });
  await waitFor(
    async () => {
      const waiting = await watcher?.query(
        `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM events%type = ANY%'`,
      );
      return (waiting?.rowCount ?? 0) > 0;
    },
    { what: 'the events are asked for' },
  );
  await writer?.query(`INSERT INTO scheduler.attempt_output VALUES (${run}, 1, 1, 0, 'no end')`);
  const data = {
    run: 0,
    step: 1,
    attempt: 1,
    startedAt: 1,
    finishedAt: 2,
    reason: 'x',
    next: 'retry',
    retryAt: 3,
  };
  await writer?.query(
    `INSERT INTO scheduler.events VALUES (1000000, 'task-${id}', 1000000, 'AttemptFailed', 1, $1, '{}', 1)`,
    [data],
  );
  await writer?.query('COMMIT');
  const first = await reading;
  const second = await counterpart.call(live.runOutput, { id: run, after: first.place });
  const text = [...first.parts, ...second.parts].map((part) => part.text).join('');
  t.ok(text.startsWith('hello\nno end'), text);
  await writer?.query('DELETE FROM scheduler.events WHERE position = 1000000');
});

t.test('nodes are reserved while tasks over them end: nobody fails', async (t) => {
  const replicas = [await startReplica(servers, 'scheduler-1'), await startReplica(servers, 'scheduler-2')];
  t.teardown(() => Promise.all(replicas.map((replica) => replica.stop())));
  const { id, request } = await createTask(20, { auto: false });
  await counterpart.patiently(tasks.stop, { id, opr_user: 'root' }, id);
  const nodeIds = request.nodes.map((ip) => Number(ip.split('.')[3]));
  for (let round = 0; round < 5; round++) {
    const { ids } = await counterpart.call(tasks.create, { ...request, nodes: request.nodes.toReversed() });
    const outcomes = await Promise.all([
      counterpart.patiently(tasks.stop, { id: ids[0] ?? 0, opr_user: 'root' }).then(() => 'done'),
      ...Array.from({ length: 6 }, () =>
        counterpart.call(tasks.reserveNodes, { node_ids: nodeIds, ttl_ms: 1_000 }).then(
          () => 'done',
          (error: ServiceError) => error.code,
        ),
      ),
    ]);
    for (const outcome of outcomes) t.match(outcome, /^(done|in_use)$/);
    await new Promise((resolve) => setTimeout(resolve, outcomes.includes('done', 1) ? 1_050 : 0));
  }
});
