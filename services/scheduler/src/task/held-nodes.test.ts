import t from 'tap';
import { RESERVED, TaskUnderTest, taskCreated } from '../testing/task.js';
import { heldNodes } from './projection.js';

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

t.test('a failed command that may still run: the node is held until it has been ended', async (t) => {
  const task = new TaskUnderTest(taskCreated(2));
  task.finish(0);
  task.claim(1);
  task.report(1, { status: 'failed', reason: 'the node is gone', may_run: true });
  t.match(task.state, { status: 'finished', endReason: 'partial' });
  t.match(task.state.runs[1], { verdict: 'failed', phase: 'draining', holder: null, attempt: 1 });
  task.claim(1, 'executor-2');
  t.match(task.next(1), {
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
