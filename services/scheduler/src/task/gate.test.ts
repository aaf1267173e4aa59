import t from 'tap';
import { RESERVED, step, TaskUnderTest, taskCreated } from '../testing/task.js';
import type { TaskCreated, TaskGate } from './events.js';
import { describeTimeout, type GateProgress, judgeGate } from './gate.js';
import { needsExecutor, runAt } from './state.js';

const db = { task: 7, pool: { id: 2, name: 'db' }, step: 1, stepName: 'start' };
const cache = { task: 8, pool: { id: 3, name: 'cache' }, step: 0, stepName: 'create_vm' };
const gateBefore = (before: number, options: Partial<TaskGate> = {}): TaskGate => ({
  before,
  limitMs: 1_800_000,
  waitsFor: [db],
  ...options,
});
const follower = (nodes: number, before: number, options: Partial<TaskCreated> = {}): TaskUnderTest =>
  new TaskUnderTest(taskCreated(nodes, { gate: gateBefore(before), ...options }));
const progress = (task: number, values: Partial<GateProgress> = {}): GateProgress => ({
  task,
  behind: 0,
  failed: [],
  standing: 'running',
  ...values,
});

t.test('a gate opens when all have passed, and fails when one cannot', async (t) => {
  const gate = gateBefore(1, { waitsFor: [db, cache] });
  const verdict = (...known: GateProgress[]) => judgeGate(gate, known);
  t.strictSame(verdict(progress(7), progress(8)), { type: 'open' });
  t.strictSame(verdict(progress(7), progress(8, { behind: 2 })), { type: 'closed' });
  t.strictSame(verdict(progress(7)), { type: 'closed' }, 'nothing is known of the other');
  const failed = Array.from({ length: 6 }, (_, n) => ({ node: n + 1, ip: n === 0 ? '-' : `10.0.0.${n}` }));
  t.strictSame(verdict(progress(7, { behind: 1 }), progress(8, { failed, standing: 'ended' })), {
    type: 'failed',
    reason:
      'pool cache (task 8) has not passed create_vm: 6 of its nodes failed or were stopped (node 1, 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, …)',
  });
  t.equal(
    describeTimeout(gate, [progress(7), progress(8, { behind: 2, standing: 'paused' })]),
    'waited 30 minutes for pool cache (task 8) to pass create_vm: 2 of its nodes have not, the task is paused',
  );
});

t.test('runs wait before the last step without an executor, and go on when the gate opens', async (t) => {
  const task = follower(2, 1);
  task.claim(0);
  t.strictSame(
    task.report(0).map(({ type }) => type),
    ['AttemptSucceeded', 'RunWaiting'],
  );
  t.match(runAt(task.state, 0), {
    holder: null,
    phase: 'gated',
    step: 1,
    steps: [
      { standing: 'succeeded' },
      { standing: 'waiting', attempts: 0, message: 'waits for pool db (task 7) to pass start' },
    ],
  });
  t.notOk(needsExecutor(runAt(task.state, 0)), 'nobody is offered it');
  t.throws(() => task.claim(0), { message: /waits for other pools/ });
  task.claim(1);
  t.match(task.do({ do: 'openGate' }), [{ type: 'GateOpened', data: { runs: [0] } }]);
  t.strictSame(task.do({ do: 'openGate' }), [], 'once');
  t.match(runAt(task.state, 0), { phase: 'ready', steps: [{}, { message: '' }] });
  t.ok(needsExecutor(runAt(task.state, 0)));
  t.strictSame(
    task.report(1).map(({ type }) => type),
    ['AttemptSucceeded'],
    'who comes later does not stop',
  );
  task.report(1);
  task.finish(0);
  t.match(task.state, {
    status: 'finished',
    counts: { waiting: 0, running: 0, succeeded: 2, failed: 0, stopped: 0 },
  });
  t.same(task.replayed(), task.state);
  t.equal(task.log().filter((line) => /nodes wait before two for pool db/.test(line)).length, 1);
  t.ok(task.log().includes('the wait for other pools is over: 1 nodes go on'));
  t.notOk(task.log().some((line, n) => /two attempt 1 started/.test(line) && n < 6));
});

t.test('before the first step nobody is offered anything', async (t) => {
  const task = follower(2, 0, { batchSize: 1 });
  t.match(task.state.runs, [{ phase: 'gated' }, { phase: 'pending' }]);
  t.equal(task.log().at(-1), 'nodes wait before one for pool db (task 7) to pass start');
  task.do({ do: 'openGate' });
  task.finish(0);
  task.finish(1);
  t.match(task.state, { endReason: 'completed' });
});

t.test('a failed dependency fails those that wait; a resume finds the gate anew', async (t) => {
  const task = follower(2, 1);
  task.claim(0);
  task.report(0);
  task.claim(1);
  const fail = { do: 'failGate' as const, reason: 'pool db failed', overdue: false };
  t.match(task.do(fail), [{ type: 'RunFailed', data: { run: 0, step: 1, reason: 'pool db failed' } }]);
  t.match(runAt(task.state, 0), {
    verdict: 'failed',
    phase: 'ended',
    steps: [{}, { message: 'pool db failed' }],
  });
  t.strictSame(task.do(fail), [], 'the other one works');
  task.report(1);
  t.equal(runAt(task.state, 1).phase, 'gated', 'and waits when it comes to the gate');
  task.do(fail);
  t.match(task.state, {
    endReason: 'failed',
    counts: { waiting: 0, running: 0, succeeded: 0, failed: 2, stopped: 0 },
  });
  task.do({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED });
  t.ok(
    task.state.runs.every(({ phase, step: at }) => phase === 'gated' && at === 1),
    'they wait once more',
  );
  t.equal(task.log().filter((line) => /nodes wait before/.test(line)).length, 2, 'and the log says so');
  task.do({ do: 'openGate' });
  for (const run of [0, 1]) task.finish(run);
  t.match(task.state, { endReason: 'completed' });
  t.same(task.replayed(), task.state);
});

t.test('only who has waited long enough fails by the time; the wait begins anew with a start', async (t) => {
  const task = follower(2, 1);
  const late = { do: 'failGate' as const, reason: 'waited 30 minutes', overdue: true };
  task.claim(0);
  task.report(0);
  task.now += 1_000_000;
  task.claim(1);
  task.report(1);
  task.now += 900_000;
  t.match(task.do(late), [{ type: 'RunFailed', data: { run: 0 } }]);
  task.do({ do: 'pause', operator: 'ann' });
  t.match(runAt(task.state, 1), {
    verdict: 'stopped',
    phase: 'ended',
    steps: [{}, { standing: 'stopped', message: '' }],
  });
  t.strictSame(task.do(late), [], 'a halted one does not wait');
  task.do({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED });
  task.now += 1_799_999;
  t.strictSame(task.do(late), []);
  task.now += 1;
  t.equal(task.do(late).filter(({ type }) => type === 'RunFailed').length, 2);
});

t.test('stop, timeout and the failure budget do not wait', async (t) => {
  const arrived = (options: Partial<TaskCreated>): TaskUnderTest => {
    const task = follower(3, 1, options);
    for (const run of [0, 1]) {
      task.claim(run);
      task.report(run);
    }
    return task;
  };
  const stopped = arrived({});
  stopped.do({ do: 'stop', operator: 'ann' });
  t.match(stopped.state, {
    endReason: 'stopped',
    counts: { waiting: 0, running: 0, succeeded: 0, failed: 0, stopped: 3 },
  });
  t.strictSame(stopped.do({ do: 'openGate' }), []);
  const over = arrived({ timeoutMs: 10 });
  over.now += 10;
  over.do({ do: 'timeOut' });
  t.match(over.state, {
    endReason: 'timeout',
    counts: { waiting: 0, running: 0, succeeded: 0, failed: 3, stopped: 0 },
  });
  const budget = arrived({ failureBudget: 0, steps: [step('one'), step('two')] });
  budget.claim(2);
  budget.fail(2);
  t.match(budget.state, {
    endReason: 'failed',
    counts: { waiting: 0, running: 0, succeeded: 0, failed: 1, stopped: 2 },
  });
  for (const { state } of [stopped, over, budget]) t.notOk(state.runs.some(({ phase }) => phase === 'gated'));
});
