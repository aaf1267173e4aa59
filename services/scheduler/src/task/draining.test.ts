import t from 'tap';
import { RESERVED, step, TaskUnderTest, taskCreated, wrongState } from '../testing/task.js';
import { evolve } from './evolve.js';
import { heldNodes, isActive } from './projection.js';
import { runAt } from './state.js';

const ALIVE = 'the command could not be ended and may still run: 4711 (root, sh)';

t.test(
  'a stop that sees something alive: the node stays held, and is looked at again, less and less often',
  async (t) => {
    const task = new TaskUnderTest(taskCreated(1));
    task.claim(0);
    task.do({ do: 'stop', operator: 'ann' });
    const pauses: number[] = [];
    for (let look = 1; look <= 7; look++) {
      const events = task.report(0, { status: 'stopped', reason: ALIVE, may_run: true });
      t.match(events, [
        { type: 'RunHandedBack', data: { run: 0, idle: false, stillRuns: { reason: ALIVE } } },
      ]);
      t.equal(events.length, 1);
      const { drain, phase, holder, held, attempt, steps } = runAt(task.state, 0);
      t.match({ phase, holder, held, attempt }, { phase: 'draining', holder: null, held: true, attempt: 1 });
      t.match(drain, { reason: ALIVE, tries: look, since: 1_000_000 });
      t.equal(steps[0]?.message, ALIVE);
      pauses.push(((drain?.lookAt ?? 0) - task.now) / 1_000);
      t.equal(isActive(task.state), true);
      t.same(heldNodes(task.state), [100]);
      task.now = drain?.lookAt ?? 0;
      task.claim(0, `executor-${look}`);
      t.match(task.next(0), {
        do: 'stop',
        step: 0,
        attempt: 1,
        again: true,
      });
    }
    t.same(pauses, [30, 60, 120, 240, 300, 300, 300]);
    const last = task.report(0, { status: 'stopped' });
    t.same(
      last.map(({ type }) => type),
      ['AttemptStopped', 'RunDrained'],
    );
    t.match(task.state.runs[0], { phase: 'ended', held: false, attempt: 2, steps: [{ message: '' }] });
    t.equal(task.state.runs[0]?.drain, undefined);
    t.equal(isActive(task.state), false);
    t.same(task.state, task.replayed());
    const log = task.log();
    t.equal(log.filter((message) => message.includes(ALIVE)).length, 1, 'said once');
    t.match(log.join(), 'an executor looks again at 00:17:10 UTC');
    t.match(log.join(), 'POST /task/release_node/1');
  },
);

t.test('the first release had no other word for a stop in vain', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.claim(0);
  task.do({ do: 'stop', operator: 'ann' });
  task.report(0, {
    status: 'stopped',
    reason: 'the command could not be ended and may still run: timed out',
  });
  t.match(task.state.runs[0], { phase: 'draining', drain: { tries: 1 } });
});

t.test('what withstands being ended gets no second attempt, and is not ignored', async (t) => {
  for (const [retry, ignore] of [
    [3, false],
    [0, true],
    [2, true],
  ] as const) {
    const task = new TaskUnderTest(taskCreated(1, { steps: [step('one', { retry, ignore }), step('two')] }));
    task.claim(0);
    t.same(
      task
        .report(0, { status: 'failed', reason: ALIVE, may_run: true, no_retry: true })
        .map(({ type }) => type),
      ['AttemptFailed', 'RunFailed', 'TaskFinished'].flatMap((type) =>
        type === 'TaskFinished' ? ['BatchFinished', type] : [type],
      ),
    );
    t.match(task.state.runs[0], { verdict: 'failed', phase: 'draining', step: 0, attempt: 1 });
  }
});

t.test('a node that was away is tried again; what may run of the attempt before is remembered', async (t) => {
  const task = new TaskUnderTest(
    taskCreated(1, { steps: [step('one', { retry: 2, ignore: true }), step('two')] }),
  );
  task.claim(0);
  t.match(task.report(0, { status: 'failed', reason: 'away', may_run: true }), [
    { type: 'AttemptFailed', data: { next: 'retry', mayRun: true } },
  ]);
  t.match(task.next(0), {
    attempt: 2,
    unsettled: true,
  });
  t.match(
    task.report(0, { status: 'failed', reason: 'unreachable' }),
    [{ data: { next: 'retry', mayRun: true } }],
    'an attempt that did not begin has not ended it',
  );
  t.match(
    task.report(0, { status: 'failed', reason: 'unreachable' }),
    [{ data: { next: 'fail', mayRun: true } }, { type: 'RunFailed', data: { draining: true } }],
    'so it is not ignored, and the node is held',
  );
  t.match(task.state.runs[0], { phase: 'draining', held: true });

  const other = new TaskUnderTest(taskCreated(1, { steps: [step('one', { retry: 1 }), step('two')] }));
  other.claim(0);
  other.report(0, { status: 'failed', reason: 'away', may_run: true });
  t.match(other.fail(0), [{ data: { next: 'fail' } }, { data: {} }]);
  t.match(other.state.runs[0], { phase: 'ended' }, 'one that ran has seen to it');
  t.equal(other.state.runs[0]?.leftover, undefined);
});

t.test('a person releases a node, or it is removed: of an ended run alone, and once', async (t) => {
  const task = new TaskUnderTest(taskCreated(2));
  const release = { do: 'release', run: 0, operator: 'ann', reason: 'rebooted by hand' } as const;
  const remove = { do: 'nodeRemoved', run: 0, operator: 'bob' } as const;
  task.when(release).refused(t, wrongState(/waiting for its turn.*nothing to release/));
  task.claim(0);
  task.claim(1);
  task.when(release).refused(t, wrongState(/at work \(stop the task to end it\).*nothing to release/));
  t.same(task.do(remove), [], 'a task that has not ended lets go of nothing');
  task.do({ do: 'stop', operator: 'ann' });
  task.report(0, { status: 'stopped', reason: ALIVE, may_run: true });
  t.match(task.do(release), [
    { type: 'NodeReleased', data: { run: 0, node: 100, operator: 'ann', reason: 'rebooted by hand' } },
  ]);
  t.match(task.state.runs[0], { phase: 'ended', held: false, holder: null, attempt: 2 });
  task.when(release).refused(t, wrongState(/stopped.*nothing to release/));
  // While an executor is looking.
  t.match(task.do({ ...remove, run: 1 }), [
    { type: 'RunDrained', data: { givenUp: false, reason: 'the node was removed from its pool by bob' } },
  ]);
  t.throws(
    () => task.report(1, { status: 'stopped', reason: ALIVE, may_run: true }),
    wrongState(/lease 1 .* is over/),
  );
  t.equal(isActive(task.state), false);
  t.same(task.state, task.replayed());
});

t.test(
  'after a release the executor that was ending the command is refused, so its trace stays on the node',
  async (t) => {
    const task = new TaskUnderTest(taskCreated(1));
    task.claim(0);
    const { lease = 0, step: at = 0, attempt = 1 } = task.state.runs[0] ?? {};
    task.do({ do: 'stop', operator: 'ann' });
    task.do({ do: 'release', run: 0, operator: 'ann', reason: 'rebooted by hand' });
    const late = {
      do: 'report',
      run: 0,
      lease,
      step: at,
      attempt,
      capabilities: ['ssh' as const],
    } as const;
    const result = { status: 'stopped', started_at: 1, finished_at: 2, reason: '' } as const;
    task.when({ ...late, result }).refused(t, wrongState(/lease 1 .* is over/));
    t.same(task.state, task.replayed());
  },
);

t.test('a start of what is still alive never begins a second one', async (t) => {
  const task = new TaskUnderTest(taskCreated(1, { steps: [step('one', { retry: 3 })] }));
  task.claim(0);
  task.report(0, { status: 'failed', reason: ALIVE, may_run: true, no_retry: true });
  task.claim(0, 'executor-2');
  task.report(0, { status: 'stopped', reason: ALIVE, may_run: true });
  task.do({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED });
  t.match(task.state.runs[0], { phase: 'orphaned', attempt: 1, mayRun: true });
  task.claim(0, 'executor-3');
  t.match(
    task.next(0, { begun: true, outputFrom: 0 }),
    { do: 'run', attempt: 1, begun: true },
    'it is found again',
  );
  task.report(0, { status: 'stopped', reason: ALIVE, may_run: true, no_retry: true });
  t.match(task.state.runs[0], { verdict: 'failed', phase: 'draining', attempt: 1 });
  t.same(task.state, task.replayed());
});

t.test('a start takes the run from the executor that is ending its command', async (t) => {
  const task = new TaskUnderTest(taskCreated(1, { steps: [step('one', { retry: 3 })] }));
  task.claim(0);
  task.report(0, { status: 'failed', reason: ALIVE, may_run: true, no_retry: true });
  task.claim(0, 'executor-2');
  task.do({ do: 'start', operator: 'ann', unavailable: [], ...RESERVED });
  t.match(task.state.runs[0], { phase: 'orphaned', holder: null, mayRun: true });
  t.throws(() => task.report(0, { status: 'stopped' }), wrongState(/lease 2 .* is over/));
  task.claim(0, 'executor-3');
  t.match(task.state.runs[0], { phase: 'leased', holder: 'executor-3', attempt: 1, takenOver: true });
  t.match(
    task.next(0, { begun: true, outputFrom: 0 }),
    { do: 'run', attempt: 1 },
    'the attempt is found again, by an executor that was told to run it',
  );
  t.same(task.state, task.replayed());
});

t.test('a giving up of the first release stays one', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.claim(0);
  task.do({ do: 'stop', operator: 'ann' });
  const given = { type: 'RunDrained', data: { run: 0, node: 100, givenUp: true } } as const;
  const state = evolve(task.state, given, 1, task.now);
  t.match(state.runs[0], { phase: 'ended', held: false });
});
