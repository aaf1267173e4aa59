import t from 'tap';
import { RESERVED, TaskUnderTest, taskCreated } from '../testing/task.js';

const start = { do: 'start', operator: 'ann', unavailable: [], ...RESERVED } as const;

/** Four nodes in batches of two, of which nothing in the first batch succeeded: the second has not begun. */
function halfFailed(): TaskUnderTest {
  const task = new TaskUnderTest(taskCreated(4, { batchSize: 2 }));
  for (const run of [0, 1]) {
    task.claim(run);
    task.fail(run);
  }
  return task;
}

t.test(
  'a start with runs lets only these go on: failed ones stay, and no batch follows by itself',
  async (t) => {
    const task = halfFailed();
    t.match(task.state, { status: 'finished', endReason: 'failed' });
    task.when({ ...start, only: [1] }).gives(t, ['TaskStarted', 'RunsHalted', 'BatchStarted']);
    t.match(
      task.state.runs.map(({ phase }) => phase),
      ['ended', 'ready', 'ended', 'ended'],
    );
    t.match(
      task.state.runs.map(({ held }) => held),
      [false, true, false, false],
      'it takes no other node',
    );
    task.finish(1);
    t.match(task.state, {
      status: 'finished',
      endReason: 'partial',
      counts: { failed: 1, stopped: 2, succeeded: 1 },
    });
    task
      .when(start)
      .gives(t, ['TaskStarted', 'BatchStarted'], 'a start without runs takes up all that is left');
    for (const run of [0, 2, 3]) task.finish(run);
    t.match(task.state, { endReason: 'completed' });
  },
);

t.test('a start of what was halted is the undo of a pause: what failed before stays as it is', async (t) => {
  const task = new TaskUnderTest(taskCreated(4, { batchSize: 3 }));
  task.claim(0);
  task.fail(0);
  task.claim(1);
  task.do({ do: 'pause', operator: 'ann', reason: 'look at the first one' });
  t.match(
    task.state.runs.map(({ verdict }) => verdict),
    ['failed', null, 'stopped', null],
  );
  task.do({ ...start, only: 'halted' });
  t.match(
    task.state.runs.map(({ verdict }) => verdict),
    ['failed', null, null, null],
  );
  task.report(1);
  task.report(1);
  for (const run of [2, 3]) task.finish(run);
  t.match(task.state, { endReason: 'partial', counts: { failed: 1, succeeded: 3 } });
});

t.test('runs that cannot be chosen are refused, and change nothing', async (t) => {
  const task = new TaskUnderTest(taskCreated(3, { batchSize: 3 }));
  task.finish(0);
  task.claim(1);
  task.do({ do: 'pause', operator: 'ann' });
  const { version } = task.state;
  task.when({ ...start, only: [0] }).refused(t, /10\.0\.0\.1 \(run 1\) succeeded already/);
  task.when({ ...start, only: [2] }).refused(t, /10\.0\.0\.2 \(run 2\) is still at work/);
  task.when({ ...start, shown: { runs: [], unavailable: [] } }).refused(t, /look at its plan again/);
  t.equal(task.state.version, version);
  task.do({ ...start, only: [1, 2], shown: { runs: [2], unavailable: [] } });
  t.equal(task.state.status, 'running');
});

t.test(
  'a new budget counts from the start on; the old one refuses a start that would halt at once',
  async (t) => {
    const task = new TaskUnderTest(taskCreated(4, { batchSize: 4, failureBudget: 0 }));
    for (const run of [0, 1, 2, 3]) task.claim(run);
    for (const run of [0, 1]) task.fail(run);
    for (const run of [2, 3]) task.report(run);
    t.match(task.state, { status: 'finished', counts: { failed: 2, stopped: 2 } });
    task
      .when({ ...start, only: [2, 3] })
      .refused(t, /2 failed nodes stay as they are, and the task tolerates 0/);
    task.do({ ...start, only: [2, 3], budget: 1 });
    t.equal(task.state.failureBudget, 3);
    task.claim(2);
    task.fail(2);
    t.equal(task.state.status, 'running', 'one more is tolerated');
    task.finish(3);
    t.match(task.state, { endReason: 'partial', counts: { failed: 3, succeeded: 1 } });
  },
);

t.test('the reason of a pause and of a stop stands in the log', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.do({ do: 'pause', operator: 'ann', reason: 'wrong version' });
  task.do({ do: 'stop', operator: 'bob', reason: 'never again' });
  const lines = task.log();
  t.ok(lines.includes('task paused by ann: wrong version'));
  t.ok(lines.includes('task stopped by bob: never again'));
});
