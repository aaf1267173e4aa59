import type { TaskWhy } from '@rigel/contracts';
import t from 'tap';
import { RESERVED, step, TaskUnderTest, taskCreated } from '../testing/task.js';
import { explain } from './explain.js';
import type { LiveFacts } from './facts.js';

const EXECUTOR = { name: 'executor-1', capabilities: ['ssh'] as const, freeSlots: 5 };

/** Facts of a healthy system, in which somebody just now had a heartbeat. */
function why(task: TaskUnderTest, facts: Partial<LiveFacts> = {}): TaskWhy {
  return explain(task.state, {
    now: task.now,
    owned: true,
    lease: (run) => ({ executor: task.state.runs[run]?.holder ?? '', silentMs: 1_000 }),
    offer: () => ({ madeAt: task.now - 7_000, repeatAt: task.now + 3_000, tries: 1 }),
    waitsFor: () => undefined,
    executors: [EXECUTOR],
    lastControl: undefined,
    heldByOthers: new Map(),
    lastOutput: new Map(),
    ...facts,
  });
}

const codes = ({ chain }: TaskWhy): string[] => chain.map(({ code }) => code);

/** The last pause, stop or budget event of the task, as the history has it. */
function lastControl(task: TaskUnderTest): Partial<LiveFacts> {
  const last = task.events.filter(({ event }) => /Paused|Stopped|Budget/.test(event.type)).at(-1);
  return { lastControl: last };
}

const HELD_BY_7 = {
  task_id: 7,
  name: 'nightly',
  opr_user: 'bob',
  since: Date.parse('2026-01-05T08:00:00Z'),
  ending: false,
};

t.test('a task that nobody has started', async (t) => {
  const task = new TaskUnderTest(taskCreated(2), { start: false });
  t.strictSame(codes(why(task)), ['not_started']);
  t.strictSame(why(task).nodes, []);
});

t.test('an attempt that runs elsewhere, since the disk of its node is full', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.claim(0);
  const placement = { folder: '/dev/shm/rigel-deploy', boot_id: 'b', memory: true };
  const why_ = 'No space left on device';
  task.do({ do: 'place', run: 0, lease: 1, step: 0, attempt: 1, placement, why: why_ });
  const answer = why(task);
  t.strictSame(codes(answer).slice(2), ['attempt_running', 'node_full', 'executor_has_it']);
  t.match(answer.text, "it runs from the node's memory (/dev/shm/rigel-deploy), because the home folder");
});

t.test('a batch waits for a node whose attempt runs', async (t) => {
  const task = new TaskUnderTest(taskCreated(4, { batchSize: 2, steps: [step('deploy', { retry: 3 })] }));
  task.finish(0);
  task.finish(1);
  task.claim(2);
  task.fail(2, 'exit status 7');
  task.now += 5_000;
  task.claim(3);
  const answer = why(task, { waitsFor: () => ({ what: 'it has no connection: timed out', since: 1 }) });
  t.strictSame(codes(answer), [
    'task_runs',
    'batch_waits',
    'attempt_running',
    'executor_has_it',
    'executor_waits',
    'last_attempt_failed',
  ]);
  t.match(
    answer.text,
    'batch 2 of 2 waits for 10.0.0.3 and 1 more ← attempt 2 of step deploy has been running',
  );
  t.match(answer.text, 'executor executor-1 has it (lease 1, last heartbeat 1 s ago)');
  t.match(answer.text, 'the executor waits: it has no connection: timed out');
  t.match(answer.text, 'its last attempt failed: exit status 7');
  t.match(answer.chain[1]?.data, { batch: 2, batches: 2, nodes: 2 });
  t.match(answer.chain[3]?.data, { executor: 'executor-1', lease: 1, silent_ms: 1_000 });
  t.equal(answer.nodes.length, 2);
  t.equal(answer.more_nodes, 0);
});

t.test('the next attempt has its time', async (t) => {
  const task = new TaskUnderTest(taskCreated(1, { steps: [step('deploy', { retry: 3 })] }));
  task.claim(0);
  task.fail(0, 'unreachable');
  const answer = why(task);
  t.strictSame(codes(answer).slice(2), ['retry_at', 'last_attempt_failed']);
  t.match(answer.text, 'attempt 2 of step deploy on 10.0.0.1 begins at 00:16:45 UTC');
  t.equal(answer.chain[2]?.data.retry_at, task.now + 5_000);
});

t.test('a node waits for other pools, and its task then fails because of them', async (t) => {
  const waitsFor = [
    { task: 7, pool: { id: 2, name: 'db' }, step: 1, stepName: 'start' },
    { task: 8, pool: { id: 3, name: 'cache' }, step: 0, stepName: 'create_vm' },
  ];
  const gate = { before: 1, limitMs: 60_000, waitsFor };
  const task = new TaskUnderTest(taskCreated(2, { gate, steps: [step('prepare'), step('serve')] }));
  task.claim(0);
  task.report(0);
  task.claim(1);
  const first = why(task);
  t.equal(first.nodes[0]?.chain[0]?.code, 'other_pools', 'it is named before one that is worked on');
  const since = task.now;
  task.now += 5_000;
  const { chain, nodes, text } = why(task);
  t.strictSame(
    chain.map(({ code }) => code),
    ['task_runs', 'batch_waits', 'other_pools'],
  );
  t.match(chain[2], { since, data: { step: 'serve', node_id: nodes[0]?.node_id } });
  t.match(
    text,
    '10.0.0.1 waits before step serve for pool db (task 7) to pass start, pool cache (task 8) to pass create_vm',
  );
  t.equal(nodes[1]?.chain[0]?.code, 'attempt_running');
});

t.test('nobody claims a run', async (t) => {
  const task = new TaskUnderTest(taskCreated(1, { steps: [step('create_vm', { capability: 'vm' })] }));
  t.match(why(task, { executors: [] }).text, 'no executor with the capability vm answers');
  t.strictSame(
    codes(why(task)).slice(2),
    ['needs_executor', 'no_executor'],
    'one that does SSH alone is none',
  );
  const vm = { name: 'executor-2', capabilities: ['vm'] as const, freeSlots: 0 };
  t.strictSame(codes(why(task, { executors: [vm] })).slice(2), ['needs_executor', 'executors_busy']);
  const free = { executors: [{ ...vm, freeSlots: 1 }] };
  const answer = why(task, free);
  t.strictSame(codes(answer).slice(2), ['needs_executor', 'not_claimed']);
  t.match(answer.text, 'offered for 7 s (2 times) and no executor has claimed it');
  t.strictSame(codes(why(task, { ...free, offer: () => 'waiting' })).slice(2), [
    'needs_executor',
    'others_first',
  ]);
  t.strictSame(codes(why(task, { owned: false })).slice(2), ['needs_executor', 'no_scheduler']);
});

t.test('an executor that is gone', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.claim(0);
  const silent = { lease: () => ({ executor: 'executor-1', silentMs: 8_000 }) };
  t.strictSame(codes(why(task, { ...silent, executors: [] })).slice(2), [
    'attempt_running',
    'executor_has_it',
    'executor_silent',
    'no_executor',
  ]);
  const other = { ...silent, executors: [{ ...EXECUTOR, name: 'executor-2' }] };
  t.match(why(task, other).chain.at(-1), {
    code: 'executor_silent',
    text: /in 2 s the scheduler offers the run to others/,
  });
  task.do({ do: 'expireLease', run: 0, lease: 1 });
  const answer = why(task, { executors: [] });
  t.match(
    answer.text,
    'attempt 1 of step one has begun on 10.0.0.1 and waits for an executor to go on with it',
  );
  t.equal(answer.chain.at(-1)?.code, 'no_executor');
});

t.test('a pause, with a step that is left to finish, and without', async (t) => {
  const task = new TaskUnderTest(taskCreated(2));
  task.claim(0);
  task.do({ do: 'pause', operator: 'ann' });
  const answer = why(task, lastControl(task));
  t.strictSame(codes(answer).slice(0, 3), ['paused', 'batch_waits', 'attempt_running']);
  t.match(answer.text, 'the task was paused by ann at 00:16:40 UTC; it waits until somebody starts it');
  t.equal(answer.chain[0]?.data.operator, 'ann');
  task.report(0);
  t.strictSame(codes(why(task, lastControl(task))), ['paused']);
  t.match(
    why(task).text,
    'the task was paused; it waits until somebody starts it',
    'also when nobody can tell who',
  );
});

t.test('a stop, while a command is being ended', async (t) => {
  const task = new TaskUnderTest(taskCreated(2));
  task.claim(0);
  task.do({ do: 'stop', operator: 'ann' });
  const answer = why(task, lastControl(task));
  t.strictSame(codes(answer), ['stopped', 'commands_being_ended', 'command_being_ended', 'executor_has_it']);
  task.do({ do: 'expireLease', run: 0, lease: 1 });
  t.equal(why(task, { executors: [] }).chain.at(-1)?.code, 'no_executor');
  task.claim(0);
  task.report(0, { status: 'stopped' });
  t.strictSame(codes(why(task, lastControl(task))), ['stopped']);
});

t.test('failures', async (t) => {
  const none = new TaskUnderTest(taskCreated(4, { batchSize: 2, steps: [step('deploy')] }));
  for (const run of [0, 1]) {
    none.claim(run);
    none.fail(run, 'exit status 7');
  }
  const answer = why(none, { lastOutput: new Map([[1, 'no space left']]) });
  t.strictSame(codes(answer), ['failed', 'batch_failed', 'step_failed', 'last_output']);
  t.match(answer.text, '2 nodes of later batches did not begin');
  t.match(
    answer.text,
    'step deploy failed on 10.0.0.1 after 1 attempt: exit status 7 ← it printed last: no space left',
  );

  const some = new TaskUnderTest(taskCreated(2, { steps: [step('deploy')] }));
  some.finish(0);
  some.claim(1);
  some.fail(1);
  t.strictSame(codes(why(some, { heldByOthers: new Map([[101, HELD_BY_7]]) })), [
    'some_failed',
    'step_failed',
    'node_held',
  ]);
  t.match(
    why(some, { heldByOthers: new Map([[101, HELD_BY_7]]) }).text,
    '10.0.0.2 is held by task 7 (nightly, of bob, since 2026-01-05T08:00:00.000Z)',
  );

  some.do({
    do: 'start',
    operator: 'ann',
    ...RESERVED,
    unavailable: [{ node: 101, reason: 'another unfinished task holds the node' }],
  });
  t.match(why(some).text, 'another unfinished task holds the node');
});

t.test('the failure budget, before and after the last step', async (t) => {
  const task = new TaskUnderTest(taskCreated(3, { failureBudget: 0, steps: [step('deploy')] }));
  task.claim(0);
  task.claim(1);
  task.fail(0);
  const answer = why(task, lastControl(task));
  t.strictSame(codes(answer).slice(0, 3), ['failure_budget', 'batch_waits', 'attempt_running']);
  t.match(answer.chain[0]?.data, { failed: 1, budget: 0 });
  task.report(1);
  t.strictSame(codes(why(task, lastControl(task))).slice(0, 3), ['failed', 'failure_budget', 'step_failed']);
});

t.test('a success, and the end of a task by its time', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.finish(0);
  t.strictSame(codes(why(task)), ['completed']);
  const late = new TaskUnderTest(taskCreated(1, { timeoutMs: 60_000 }));
  late.now += 61_000;
  late.do({ do: 'timeOut' });
  t.equal(codes(why(late))[0], 'out_of_time');
  t.match(why(late).text, /the task reached its time limit \(1 min\) ← step one failed/);
});

t.test('of many nodes some are explained and the others counted', async (t) => {
  const task = new TaskUnderTest(taskCreated(50));
  const answer = why(task);
  t.equal(answer.nodes.length, 20);
  t.equal(answer.more_nodes, 30);
});
