import { ServiceError } from '@rigel/contracts';
import t, { type Test } from 'tap';
import { RESERVED, step, TaskUnderTest, taskCreated } from '../testing/task.js';
import { nextInstruction } from './instruction.js';
import { heldNodes } from './projection.js';
import { runAt } from './state.js';

const fresh = { begun: false, outputFrom: 0 };

function refused(t: Test, action: () => unknown, pattern: RegExp): void {
  try {
    action();
    t.fail('was not refused');
  } catch (error) {
    t.ok(error instanceof ServiceError && error.code === 'wrong_state', 'is a refusal');
    t.match((error as Error).message, pattern);
  }
}

t.test('all nodes succeed, batch after batch', async (t) => {
  const task = new TaskUnderTest(taskCreated(3, { batchSize: 2 }));
  t.same(
    task.events.map(({ event }) => event.type),
    ['TaskCreated', 'TaskStarted', 'BatchStarted'],
  );
  task.finish(0);
  t.equal(task.state.batch, 0, 'the batch waits for its second node');
  refused(t, () => task.claim(2), /needs no executor/);
  task.finish(1);
  t.equal(task.state.batch, 1);
  task.finish(2);
  t.match(task.state, {
    status: 'finished',
    endReason: 'completed',
    counts: { waiting: 0, running: 0, succeeded: 3, failed: 0, stopped: 0 },
    open: 0,
  });
});

t.test('a batch in which no node succeeds halts the task; start goes on with it', async (t) => {
  const task = new TaskUnderTest(taskCreated(4, { batchSize: 2 }));
  for (const run of [0, 1]) {
    task.claim(run);
    task.fail(run);
  }
  t.match(task.state, {
    status: 'finished',
    endReason: 'failed',
    counts: { waiting: 2, running: 0, succeeded: 0, failed: 2, stopped: 0 },
  });
  task.do({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED });
  t.match(task.state, {
    status: 'running',
    counts: { waiting: 4, running: 0, succeeded: 0, failed: 0, stopped: 0 },
    batch: 0,
  });
  for (const run of [0, 1, 2, 3]) task.finish(run);
  t.match(task.state, { status: 'finished', endReason: 'completed' });
});

t.test(
  'retries: each with its own number, after the delay, then the node has failed at that step',
  async (t) => {
    const task = new TaskUnderTest(taskCreated(1, { steps: [step('one'), step('two', { retry: 2 })] }));
    task.claim(0);
    task.report(0);
    for (const attempt of [1, 2]) {
      t.match(task.fail(0), [{ type: 'AttemptFailed', data: { step: 1, attempt, next: 'retry' } }]);
      t.match(nextInstruction(task.state, runAt(task.state, 0), task.now, fresh), {
        do: 'run',
        step: 1,
        attempt: attempt + 1,
        delay_ms: 5_000,
        timeout_ms: 600_000,
      });
      task.now += 5_000;
    }
    t.match(
      task.fail(0, 'exit status 7').map(({ type }) => type),
      ['AttemptFailed', 'RunFailed', 'BatchFinished', 'TaskFinished'],
    );
    t.match(task.state.runs[0], {
      verdict: 'failed',
      step: 1,
      steps: [{ standing: 'succeeded' }, { standing: 'failed', attempts: 3, message: 'exit status 7' }],
    });

    task.do({ do: 'start', operator: 'root', unavailable: [], ...RESERVED });
    t.match(
      task.state.runs[0],
      { begun: false, step: 1, attempt: 4, failures: 0 },
      'a fresh set of attempts, new numbers',
    );
    task.claim(0);
    t.match(task.fail(0), [{ data: { attempt: 4, next: 'retry' } }]);
  },
);

t.test('ignore_error: after the retries the node goes on as if the step had passed', async (t) => {
  const task = new TaskUnderTest(
    taskCreated(1, { steps: [step('one', { retry: 1, ignore: true }), step('two')] }),
  );
  task.claim(0);
  t.match(task.fail(0), [{ data: { next: 'retry' } }]);
  t.match(task.fail(0, 'no such file'), [{ data: { next: 'ignore' } }]);
  t.match(task.state.runs[0], {
    step: 1,
    attempt: 1,
    steps: [{ standing: 'succeeded', message: 'no such file' }, { standing: 'running' }],
  });
  task.report(0);
  t.match(task.state, { status: 'finished', endReason: 'completed' });
});

t.test('some fail: partial, and start re-runs just those from their step', async (t) => {
  const task = new TaskUnderTest(taskCreated(3));
  task.finish(0);
  task.finish(1);
  task.claim(2);
  task.report(2);
  task.fail(2);
  t.match(task.state, {
    status: 'finished',
    endReason: 'partial',
    counts: { waiting: 0, running: 0, succeeded: 2, failed: 1, stopped: 0 },
  });
  task.do({ do: 'start', operator: 'root', unavailable: [], ...RESERVED });
  t.match(task.state, {
    status: 'running',
    open: 1,
    counts: { waiting: 1, running: 0, succeeded: 2, failed: 0, stopped: 0 },
  });
  task.claim(2);
  t.match(nextInstruction(task.state, runAt(task.state, 2), task.now, fresh), {
    do: 'run',
    step: 1,
    attempt: 2,
  });
  task.report(2);
  t.match(task.state, { status: 'finished', endReason: 'completed' });
});

t.test('an explicit budget decides alone: a batch in which nothing succeeded does not halt', async (t) => {
  const dead = { status: 'failed', reason: 'no route to host', not_begun: true } as const;
  const task = new TaskUnderTest(taskCreated(5, { batchSize: 1, failureBudget: 3 }));
  task.claim(0);
  t.same(
    task.report(0, dead).map(({ type }) => type),
    ['AttemptFailed', 'RunFailed', 'BatchFinished', 'BatchStarted'],
  );
  for (const run of [1, 2, 3, 4]) task.finish(run);
  t.match(task.state, {
    status: 'finished',
    endReason: 'partial',
    counts: { waiting: 0, running: 0, succeeded: 4, failed: 1, stopped: 0 },
  });

  const spared = new TaskUnderTest(taskCreated(5, { batchSize: 1, failureBudget: 1 }));
  for (const run of [0, 1]) {
    spared.claim(run);
    spared.report(run, dead);
  }
  t.match(spared.state, {
    status: 'finished',
    endReason: 'failed',
    counts: { waiting: 0, running: 0, succeeded: 0, failed: 2, stopped: 3 },
  });
  spared.do({ do: 'start', operator: 'root', unavailable: [], ...RESERVED });
  spared.claim(0);
  spared.report(0, dead);
  t.match(
    spared.state,
    { status: 'running', batch: 1, counts: { waiting: 4, running: 0, succeeded: 0, failed: 1, stopped: 0 } },
    'a dead first node bars nobody',
  );
  for (const run of [1, 2, 3, 4]) spared.finish(run);
  t.match(spared.state, {
    endReason: 'partial',
    counts: { waiting: 0, running: 0, succeeded: 4, failed: 1, stopped: 0 },
  });

  const without = new TaskUnderTest(taskCreated(5, { batchSize: 1 }));
  without.claim(0);
  without.report(0, dead);
  t.match(without.state, {
    status: 'finished',
    endReason: 'failed',
    counts: { waiting: 4, running: 0, succeeded: 0, failed: 1, stopped: 0 },
  });
});

t.test('an ignored error counts beside the successes, and not in the budget', async (t) => {
  const steps = [step('one', { ignore: true, retry: 1 }), step('two')];
  const task = new TaskUnderTest(taskCreated(3, { steps, failureBudget: 0 }));
  task.claim(0);
  task.fail(0);
  task.fail(0);
  t.match(task.state, { ignored: 0 }, 'it has not passed yet');
  task.report(0);
  t.match(task.state, {
    status: 'running',
    ignored: 1,
    counts: { waiting: 2, running: 0, succeeded: 1, failed: 0, stopped: 0 },
  });
  for (const run of [1, 2]) task.finish(run);
  t.match(task.state, { status: 'finished', endReason: 'completed', ignored: 1 });
  t.strictSame(task.replayed(), task.state);
});

t.test('a node on which nothing ran does not pass by ignore_error', async (t) => {
  const steps = [step('one', { ignore: true, retry: 1 }), step('two')];
  const task = new TaskUnderTest(taskCreated(2, { steps }));
  task.claim(0);
  const dead = { status: 'failed', reason: 'no route to host', not_begun: true } as const;
  t.match(task.report(0, dead), [{ type: 'AttemptFailed', data: { next: 'retry' } }]);
  t.match(task.report(0, dead), [
    { type: 'AttemptFailed', data: { next: 'fail' } },
    {
      type: 'RunFailed',
      data: { step: 0, reason: 'no route to host (not ignored: no command ran on the node)' },
    },
  ]);
  // An executor of an earlier release does not tell whether anything ran.
  task.claim(1);
  task.fail(1);
  t.match(task.report(1, { status: 'failed', reason: 'no route to host' }), [
    { type: 'AttemptFailed', data: { next: 'ignore' } },
  ]);
});

t.test('a node that was told to restart and is away is not told again by itself', async (t) => {
  const task = new TaskUnderTest(taskCreated(1, { steps: [step('one', { retry: 3 })] }));
  task.claim(0);
  const away = { status: 'failed', reason: 'it has not come back', no_retry: true } as const;
  t.match(task.report(0, away), [{ data: { next: 'fail' } }, { type: 'RunFailed' }]);
  task.do({ do: 'start', operator: 'root', unavailable: [], ...RESERVED });
  task.claim(0);
  t.match(task.report(0), [{ type: 'AttemptSucceeded', data: { attempt: 2 } }], 'a person may');
});

t.test('a machine that was not made is not ignored, one that failed later is', async (t) => {
  const vm = (name: string) => ({
    ...step(name, { ignore: true, capability: 'vm' }),
    kind: 'vm' as const,
    actions: [],
  });
  const failed = { status: 'failed', reason: 'quota' } as const;
  const task = new TaskUnderTest(taskCreated(2, { steps: [vm('create_vm')] }));
  for (const run of [0, 1]) task.claim(run);
  t.match(task.report(0, failed, ['vm']).at(-1), {
    type: 'RunFailed',
    data: { reason: 'quota (not ignored: the node has no machine)' },
  });
  task.report(1, { ...failed, machine: { vm_id: 'vm-1', ip: '10.0.0.9' } }, ['vm']);
  t.match(task.state, {
    counts: { waiting: 0, running: 0, succeeded: 1, failed: 1, stopped: 0 },
    ignored: 1,
  });

  const nodes = [{ node: 100, ip: '10.0.0.1', vm: 'vm-1' }];
  const returned = new TaskUnderTest(taskCreated(1, { nodes, steps: [vm('return_vm')] }));
  returned.claim(0);
  returned.report(0, failed, ['vm']);
  t.match(returned.state, {
    counts: { waiting: 0, running: 0, succeeded: 1, failed: 0, stopped: 0 },
    ignored: 1,
  });
});

t.test(
  'nodes held: all, none at the end, after a resume those that go on, also through a pause',
  async (t) => {
    const task = new TaskUnderTest(taskCreated(3));
    t.same(heldNodes(task.state), [100, 101, 102]);
    task.finish(0);
    t.same(heldNodes(task.state), [100, 101, 102], 'until the task has ended');
    for (const run of [1, 2]) {
      task.claim(run);
      task.fail(run);
    }
    t.same(heldNodes(task.state), []);
    task.do({ do: 'start', operator: 'root', unavailable: [{ node: 101, reason: 'gone' }], ...RESERVED });
    t.same(heldNodes(task.state), [102]);
    task.claim(2);
    task.do({ do: 'pause', operator: 'root' });
    t.same(heldNodes(task.state), [102], 'a start must ask for 101 again');
    task.do({ do: 'start', operator: 'root', unavailable: [], ...RESERVED });
    t.same(heldNodes(task.state), [101, 102]);
    task.do({ do: 'stop', operator: 'root' });
    t.same(heldNodes(task.state), [102], 'where a command is still being ended');
  },
);

t.test('a resumed run whose node is gone fails with the reason, the others go on', async (t) => {
  const task = new TaskUnderTest(taskCreated(3));
  task.finish(0);
  for (const run of [1, 2]) {
    task.claim(run);
    task.fail(run);
  }
  task.do({
    do: 'start',
    operator: 'root',
    unavailable: [{ node: 101, reason: 'not in the pool any more' }],
    ...RESERVED,
  });
  t.match(task.state.runs[1], { verdict: 'failed', steps: [{ message: 'not in the pool any more' }] });
  task.finish(2);
  t.match(task.state, { status: 'finished', endReason: 'partial' });
});

t.test('pause: running steps finish and count, nothing new begins, start goes on behind them', async (t) => {
  const task = new TaskUnderTest(taskCreated(3, { batchSize: 2 }));
  task.claim(0);
  t.same(task.types({ do: 'pause', operator: 'ann' }), ['TaskPaused', 'RunsHalted']);
  t.match(task.state, {
    status: 'paused',
    endReason: '',
    counts: { waiting: 1, running: 1, succeeded: 0, failed: 0, stopped: 1 },
  });
  refused(t, () => task.do({ do: 'pause', operator: 'ann' }), /not running/);
  t.match(
    task.report(0).map(({ type }) => type),
    ['AttemptSucceeded', 'RunsHalted'],
  );
  t.match(task.state.runs[0], { verdict: 'stopped', step: 1, holder: null });
  task.do({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED });
  task.claim(0);
  t.match(nextInstruction(task.state, runAt(task.state, 0), task.now, fresh), {
    do: 'run',
    step: 1,
    attempt: 1,
  });
  task.report(0);
  task.finish(1);
  task.finish(2);
  t.match(task.state, { status: 'finished', endReason: 'completed' });
});

t.test('start while a paused step is still draining: that run simply goes on', async (t) => {
  const task = new TaskUnderTest(taskCreated(2));
  task.claim(0);
  task.do({ do: 'pause', operator: 'ann' });
  t.same(task.types({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED }), [
    'TaskStarted',
    'BatchStarted',
  ]);
  t.same(task.types({ do: 'claim', run: 1, executor: 'executor-2' }), ['RunClaimed']);
  task.report(0);
  t.match(task.state.runs[0], { begun: true, step: 1 });
  task.report(0);
  task.report(1);
  task.report(1);
  t.match(task.state, { status: 'finished', endReason: 'completed' });
});

t.test(
  'after a resume, an earlier batch waits for the step that drains, whose run then waits for its batch',
  async (t) => {
    const task = new TaskUnderTest(taskCreated(3, { batchSize: 2 }));
    task.finish(0);
    task.claim(1);
    task.fail(1);
    task.claim(2);
    task.do({ do: 'pause', operator: 'ann' });
    t.same(task.types({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED }), ['TaskStarted']);
    refused(t, () => task.claim(1), /needs no executor/);
    t.match(
      task.report(2).map(({ type }) => type),
      ['AttemptSucceeded', 'RunDeferred', 'BatchStarted'],
    );
    t.match(task.state, { batch: 0 });
    refused(t, () => task.claim(2), /needs no executor/);
    task.finish(1);
    t.match(task.state, { batch: 1 });
    task.finish(2);
    t.match(task.state, { status: 'finished', endReason: 'completed' });
  },
);

t.test('a start that was prepared before the task let go of its nodes is refused', async (t) => {
  const task = new TaskUnderTest(taskCreated(2));
  for (const run of [0, 1]) {
    task.claim(run);
    task.fail(run);
  }
  const prepared = { unavailable: [], reservedUntil: task.now };
  const start = (reserved: number[]) => task.do({ do: 'start', operator: 'ann', ...prepared, reserved });
  refused(t, () => start([]), /ended while it was being started/);
  refused(t, () => start([100]), /ended while it was being started/);
  task.now++;
  refused(t, () => start([100, 101]), /ended while it was being started/);
  task.now--;
  start([100, 101]);
  t.match(task.state, {
    status: 'running',
    counts: { waiting: 2, running: 0, succeeded: 0, failed: 0, stopped: 0 },
  });
});

t.test('stop is final: at once for the outside, and what may run on a node is ended', async (t) => {
  const task = new TaskUnderTest(taskCreated(3));
  task.finish(0);
  task.claim(1);
  t.same(task.types({ do: 'stop', operator: 'ann' }), ['TaskStopped']);
  t.match(task.state, {
    status: 'stopped',
    endReason: 'stopped',
    counts: { waiting: 0, running: 0, succeeded: 1, failed: 0, stopped: 2 },
  });
  t.match(task.state.runs[1], { phase: 'draining' });
  t.match(task.state.runs[2], { phase: 'ended' }, 'nothing was begun there');
  t.match(nextInstruction(task.state, runAt(task.state, 1), task.now, fresh), {
    do: 'stop',
    step: 0,
    attempt: 1,
  });
  t.match(
    task.report(1, { status: 'stopped' }).map(({ type }) => type),
    ['AttemptStopped', 'RunDrained'],
  );
  t.match(task.state.runs[1], { phase: 'ended', holder: null, verdict: 'stopped' });
  refused(t, () => task.do({ do: 'stop', operator: 'ann' }), /stopped already/);
  refused(t, () => task.do({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED }), /terminated/);
});

t.test('stop when the executor is gone: another one is told to end the command', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.claim(0);
  task.do({ do: 'expireLease', run: 0, lease: 1 });
  task.do({ do: 'stop', operator: 'ann' });
  t.match(task.state.runs[0], { phase: 'draining', holder: null });
  task.claim(0, 'executor-2');
  t.match(nextInstruction(task.state, runAt(task.state, 0), task.now, fresh), {
    do: 'stop',
    step: 0,
    attempt: 1,
  });
  task.report(0, { status: 'stopped' });
  t.match(task.state.runs[0], { phase: 'ended' });
});

t.test('leases: only the newest may report, and a repeated report records nothing', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.claim(0, 'executor-1');
  refused(t, () => task.claim(0, 'executor-2'), /executor executor-1 has the lease/);
  task.do({ do: 'expireLease', run: 0, lease: 1 });
  task.claim(0, 'executor-2');
  t.match(task.state.runs[0], { lease: 2, holder: 'executor-2', step: 0, attempt: 1 }, 'the same attempt');
  const late = { status: 'succeeded' as const, reason: '', started_at: 0, finished_at: 0 };
  const report = {
    do: 'report' as const,
    run: 0,
    step: 0,
    attempt: 1,
    result: late,
    capabilities: ['ssh' as const],
  };
  refused(t, () => task.do({ ...report, lease: 1 }), /lease 1 .* is over/);
  t.equal(task.do({ ...report, lease: 2 }).length, 1);
  t.equal(task.do({ ...report, lease: 2 }).length, 0, 'repeated: nothing more is recorded');
  t.match(nextInstruction(task.state, runAt(task.state, 0), task.now, fresh), { do: 'run', step: 1 });
  t.same(task.do({ do: 'expireLease', run: 0, lease: 1 }), [], 'an old lease cannot expire again');
});

t.test('the time of an attempt goes on counting when another executor takes it over', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.claim(0);
  task.now += 100_000;
  task.do({ do: 'expireLease', run: 0, lease: 1 });
  task.claim(0, 'executor-2');
  const next = nextInstruction(task.state, runAt(task.state, 0), task.now, { begun: true, outputFrom: 7 });
  t.match(next, { do: 'run', timeout_ms: 500_000, begun: true, output_from: 7 });
});

t.test('time is up: unfinished nodes have failed with that reason, running commands are ended', async (t) => {
  const task = new TaskUnderTest(taskCreated(3, { timeoutMs: 60_000, batchSize: 2 }));
  task.finish(0);
  task.claim(1);
  t.same(task.do({ do: 'timeOut' }), [], 'not yet');
  task.now += 60_000;
  t.same(task.types({ do: 'timeOut' }), ['TaskTimedOut']);
  t.match(task.state, {
    status: 'finished',
    endReason: 'timeout',
    counts: { waiting: 0, running: 0, succeeded: 1, failed: 2, stopped: 0 },
  });
  t.match(task.state.runs[1], { verdict: 'failed', phase: 'draining', steps: [{ message: /timeout/ }] });
  task.report(1, { status: 'stopped' });
  t.match(task.state.runs[1], { phase: 'ended', verdict: 'failed' });
});

t.test('failure budget: exceeded, no further step begins, running ones finish', async (t) => {
  const task = new TaskUnderTest(taskCreated(6, { batchSize: 4, failureBudget: 1 }));
  for (const run of [0, 1, 2]) task.claim(run);
  task.fail(0);
  t.equal(task.state.status, 'running');
  t.match(
    task.fail(1).map(({ type }) => type),
    ['AttemptFailed', 'RunFailed', 'FailureBudgetExceeded', 'RunsHalted'],
  );
  t.match(task.state, {
    status: 'halting',
    counts: { waiting: 0, running: 1, succeeded: 0, failed: 2, stopped: 3 },
  });
  task.report(2);
  t.match(task.state, {
    status: 'finished',
    endReason: 'failed',
    counts: { waiting: 0, running: 0, succeeded: 0, failed: 2, stopped: 4 },
  });
});

t.test('a step of another kind is handed to an executor that can do it', async (t) => {
  const task = new TaskUnderTest(
    taskCreated(1, { steps: [step('one'), step('two', { capability: 'noop' })] }),
  );
  task.claim(0);
  t.same(
    task.report(0).map(({ type }) => type),
    ['AttemptSucceeded', 'RunHandedBack'],
  );
  t.match(task.state.runs[0], { phase: 'ready', holder: null, mayRun: false, begun: true });
  t.match(nextInstruction(task.state, runAt(task.state, 0), task.now, fresh), { do: 'release' });
});

t.test('a failed command that may still run: the node is held until it has been ended', async (t) => {
  const task = new TaskUnderTest(taskCreated(2));
  task.finish(0);
  task.claim(1);
  task.report(1, { status: 'failed', reason: 'the node is gone', may_run: true });
  t.match(task.state, { status: 'finished', endReason: 'partial' });
  t.match(task.state.runs[1], { verdict: 'failed', phase: 'draining', holder: null, attempt: 1 });
  task.claim(1, 'executor-2');
  t.match(nextInstruction(task.state, runAt(task.state, 1), task.now, fresh), {
    do: 'stop',
    step: 0,
    attempt: 1,
  });
  t.match(
    task.report(1, { status: 'stopped' }).map(({ type }) => type),
    ['AttemptStopped', 'RunDrained'],
  );
  t.match(task.state.runs[1], { verdict: 'failed', phase: 'ended', attempt: 2 });
  task.do({ do: 'start', operator: 'root', unavailable: [], ...RESERVED });
  task.finish(1);
  t.match(task.state, { status: 'finished', endReason: 'completed' });
});

t.test('refusals change nothing', async (t) => {
  const task = new TaskUnderTest(taskCreated(2), { start: false });
  refused(t, () => task.do({ do: 'pause', operator: 'x' }), /not running/);
  task.do({ do: 'start', operator: 'x', unavailable: [], ...RESERVED });
  refused(t, () => task.do({ do: 'start', operator: 'x', unavailable: [], ...RESERVED }), /running already/);
  task.finish(0);
  task.finish(1);
  refused(
    t,
    () => task.do({ do: 'start', operator: 'x', unavailable: [], ...RESERVED }),
    /nothing left to run/,
  );
  refused(t, () => task.do({ do: 'stop', operator: 'x' }), /finished already/);
  t.same(task.state, task.replayed());
});

t.test(
  'a machine with the address of another node fails its step at once, whatever the step lets pass',
  async (t) => {
    const create = {
      ...step('create_vm', { retry: 3, ignore: true, capability: 'vm' }),
      kind: 'vm' as const,
    };
    const task = new TaskUnderTest(taskCreated(1, { steps: [create, step('two')] }));
    task.claim(0);
    const { lease } = task.state.runs[0] ?? { lease: 0 };
    const events = task.do({
      do: 'report',
      run: 0,
      lease,
      step: 0,
      attempt: 1,
      capabilities: ['vm'],
      hostKey: 'ssh-ed25519 AAAA',
      takenAddress: 'it is the address of node 7',
      result: {
        status: 'succeeded',
        reason: '',
        machine: { vm_id: 'vm-1', ip: '10.0.0.7' },
        started_at: 1,
        finished_at: 2,
      },
    });
    t.match(events.slice(0, 3), [
      { type: 'MachineAssigned', data: { vm: 'vm-1', ip: '' } },
      { type: 'AttemptFailed', data: { reason: 'it is the address of node 7', next: 'fail' } },
      { type: 'RunFailed', data: { reason: 'it is the address of node 7' } },
    ]);
    t.notOk(
      events.some(({ type }) => type === 'HostKeyPinned'),
      'the key is that of another machine',
    );
    t.match(task.state.runs, [{ ip: '-', vm: 'vm-1', verdict: 'failed' }]);
  },
);

t.test('a task holds the other nodes that are its machines as long as it holds its own', async (t) => {
  const created = taskCreated(2);
  created.nodes = created.nodes.map((node, n) =>
    n === 0 ? { ...node, same: [{ node: 900, ip: 'x:22' }] } : node,
  );
  const task = new TaskUnderTest(created);
  t.strictSame(heldNodes(task.state), [100, 101, 900]);
  task.finish(0);
  t.strictSame(heldNodes(task.state), [100, 101, 900], 'the task goes on');
  task.finish(1);
  t.strictSame(heldNodes(task.state), []);
  t.strictSame(heldNodes(task.replayed()), []);
});
