import t from 'tap';
import { RESERVED, step, TaskUnderTest, taskCreated, wrongState } from '../testing/task.js';

t.test('all nodes succeed, batch after batch', async (t) => {
  const task = new TaskUnderTest(taskCreated(3, { batchSize: 2 }));
  t.same(
    task.events.map(({ event }) => event.type),
    ['TaskCreated', 'TaskStarted', 'BatchStarted'],
  );
  task.finish(0);
  t.equal(task.state.batch, 0, 'the batch waits for its second node');
  t.throws(() => task.claim(2), wrongState(/needs no executor/));
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

t.test('pause: running steps finish and count, nothing new begins, start goes on behind them', async (t) => {
  const task = new TaskUnderTest(taskCreated(3, { batchSize: 2 }));
  task.claim(0);
  task.when({ do: 'pause', operator: 'ann' }).gives(t, ['TaskPaused', 'RunsHalted']);
  t.match(task.state, {
    status: 'paused',
    endReason: '',
    counts: { waiting: 1, running: 1, succeeded: 0, failed: 0, stopped: 1 },
  });
  task.when({ do: 'pause', operator: 'ann' }).refused(t, wrongState(/not running/));
  t.match(
    task.report(0).map(({ type }) => type),
    ['AttemptSucceeded', 'RunsHalted'],
  );
  t.match(task.state.runs[0], { verdict: 'stopped', step: 1, holder: null });
  task.do({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED });
  task.claim(0);
  t.match(task.next(0), {
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
  task
    .when({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED })
    .gives(t, ['TaskStarted', 'BatchStarted']);
  task.when({ do: 'claim', run: 1, executor: 'executor-2' }).gives(t, ['RunClaimed']);
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
    task.when({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED }).gives(t, ['TaskStarted']);
    t.throws(() => task.claim(1), wrongState(/needs no executor/));
    t.match(
      task.report(2).map(({ type }) => type),
      ['AttemptSucceeded', 'RunDeferred', 'BatchStarted'],
    );
    t.match(task.state, { batch: 0 });
    t.throws(() => task.claim(2), wrongState(/needs no executor/));
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
  t.throws(() => start([]), wrongState(/ended while it was being started/));
  t.throws(() => start([100]), wrongState(/ended while it was being started/));
  task.now++;
  t.throws(() => start([100, 101]), wrongState(/ended while it was being started/));
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
  task.when({ do: 'stop', operator: 'ann' }).gives(t, ['TaskStopped']);
  t.match(task.state, {
    status: 'stopped',
    endReason: 'stopped',
    counts: { waiting: 0, running: 0, succeeded: 1, failed: 0, stopped: 2 },
  });
  t.match(task.state.runs[1], { phase: 'draining' });
  t.match(task.state.runs[2], { phase: 'ended' }, 'nothing was begun there');
  t.match(task.next(1), {
    do: 'stop',
    step: 0,
    attempt: 1,
  });
  t.match(
    task.report(1, { status: 'stopped' }).map(({ type }) => type),
    ['AttemptStopped', 'RunDrained'],
  );
  t.match(task.state.runs[1], { phase: 'ended', holder: null, verdict: 'stopped' });
  task.when({ do: 'stop', operator: 'ann' }).refused(t, wrongState(/stopped already/));
  task
    .when({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED })
    .refused(t, wrongState(/terminated/));
});

t.test('stop when the executor is gone: another one is told to end the command', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.claim(0);
  task.do({ do: 'expireLease', run: 0, lease: 1 });
  task.do({ do: 'stop', operator: 'ann' });
  t.match(task.state.runs[0], { phase: 'draining', holder: null });
  task.claim(0, 'executor-2');
  t.match(task.next(0), {
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
  t.throws(() => task.claim(0, 'executor-2'), wrongState(/executor executor-1 has the lease/));
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
  task.when({ ...report, lease: 1 }).refused(t, wrongState(/lease 1 .* is over/));
  t.equal(task.do({ ...report, lease: 2 }).length, 1);
  t.equal(task.do({ ...report, lease: 2 }).length, 0, 'repeated: nothing more is recorded');
  t.match(task.next(0), { do: 'run', step: 1 });
  t.same(task.do({ do: 'expireLease', run: 0, lease: 1 }), [], 'an old lease cannot expire again');
});

t.test('the time of an attempt goes on counting when another executor takes it over', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.claim(0);
  task.now += 100_000;
  task.do({ do: 'expireLease', run: 0, lease: 1 });
  task.claim(0, 'executor-2');
  const next = task.next(0, { begun: true, outputFrom: 7 });
  t.match(next, { do: 'run', timeout_ms: 500_000, begun: true, output_from: 7 });
});

t.test('time is up: unfinished nodes have failed with that reason, running commands are ended', async (t) => {
  const task = new TaskUnderTest(taskCreated(3, { timeoutMs: 60_000, batchSize: 2 }));
  task.finish(0);
  task.claim(1);
  t.same(task.do({ do: 'timeOut' }), [], 'not yet');
  task.now += 60_000;
  task.when({ do: 'timeOut' }).gives(t, ['TaskTimedOut']);
  t.match(task.state, {
    status: 'finished',
    endReason: 'timeout',
    counts: { waiting: 0, running: 0, succeeded: 1, failed: 2, stopped: 0 },
  });
  t.match(task.state.runs[1], { verdict: 'failed', phase: 'draining', steps: [{ message: /timeout/ }] });
  task.report(1, { status: 'stopped' });
  t.match(task.state.runs[1], { phase: 'ended', verdict: 'failed' });
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
  t.match(task.next(0), { do: 'release' });
});

t.test('refusals change nothing', async (t) => {
  const task = new TaskUnderTest(taskCreated(2), { start: false });
  task.when({ do: 'pause', operator: 'x' }).refused(t, wrongState(/not running/));
  task.do({ do: 'start', operator: 'x', unavailable: [], ...RESERVED });
  task
    .when({ do: 'start', operator: 'x', unavailable: [], ...RESERVED })
    .refused(t, wrongState(/running already/));
  task.finish(0);
  task.finish(1);
  task
    .when({ do: 'start', operator: 'x', unavailable: [], ...RESERVED })
    .refused(t, wrongState(/nothing left to run/));
  task.when({ do: 'stop', operator: 'x' }).refused(t, wrongState(/finished already/));
  t.same(task.state, task.replayed());
});
