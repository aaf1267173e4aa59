import t from 'tap';
import { step, TaskUnderTest, taskCreated, wrongState } from '../testing/task.js';
import type { PlaceCommand } from './commands.js';
import { runAt } from './state.js';

const MEMORY = { folder: '/dev/shm/rigel-deploy', boot_id: 'boot-1', memory: true };
const WHY = '/home/deploy/.rigel/attempts cannot be made: No space left on device';

function placing(task: TaskUnderTest, change: Partial<PlaceCommand> = {}): PlaceCommand {
  const { lease, step, attempt } = runAt(task.state, 0);
  return { do: 'place', run: 0, lease, step, attempt, placement: MEMORY, why: WHY, ...change };
}

const told = (task: TaskUnderTest, begun = true) => task.next(0, { begun, outputFrom: 0 });

t.test('an attempt elsewhere: whoever takes over is told to look there', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.claim(0);
  t.notMatch(told(task, false), { placed: {} });
  t.same(task.do(placing(task)), [
    {
      type: 'AttemptPlaced',
      data: { run: 0, step: 0, attempt: 1, folder: MEMORY.folder, bootId: 'boot-1', memory: true, why: WHY },
    },
  ]);
  t.same(task.do(placing(task)), [], 'whose answer was lost may ask again');
  task.do({ do: 'expireLease', run: 0, lease: 1 });
  task.claim(0, 'executor-2');
  t.match(told(task), { do: 'run', begun: true, placed: MEMORY, folders: [MEMORY.folder] });
  task.report(0);
  const next = told(task, false);
  t.notOk('placed' in next, 'the next step begins at home');
  t.match(next, { step: 1, folders: [MEMORY.folder] }, 'and what is elsewhere is still found');
  t.match(task.state.runs[0]?.steps[0], {
    standing: 'succeeded',
    message: '',
    note: `it runs from the node's memory (${MEMORY.folder}), because the home folder there is full: ${WHY}`,
  });
  t.same(JSON.parse(JSON.stringify(task.replayed())), JSON.parse(JSON.stringify(task.state)));
});

t.test('it is said in the log and with the failure', async (t) => {
  const task = new TaskUnderTest(taskCreated(1, { steps: [step('tidy', { retry: 1 })] }));
  task.claim(0);
  task.do(placing(task, { placement: { ...MEMORY, folder: '/data/rigel-deploy', memory: false } }));
  task.fail(0, 'exit status 7');
  const said = 'it runs from /data/rigel-deploy on the node, because the home folder there is full';
  t.match(task.state.runs[0]?.steps[0]?.message, `exit status 7; ${said}`);
  t.notOk(task.state.runs[0]?.placed, 'the next attempt begins at home');
  t.ok(task.log().some((line) => line.startsWith(`10.0.0.1: tidy attempt 1: ${said}`)));
});

t.test('a place is refused', async (t) => {
  t.test('under a lease that is over', async (t) => {
    const task = new TaskUnderTest(taskCreated(1));
    task.claim(0);
    const late = placing(task);
    task.do({ do: 'expireLease', run: 0, lease: 1 });
    task.when(late).refused(t, wrongState(/lease 1 of run 1 is over/));
    task.claim(0, 'executor-2');
    task.when(late).refused(t, wrongState(/lease 1 of run 1 is over/));
  });
  t.test('to who takes over: the one before may still begin it at home', async (t) => {
    const task = new TaskUnderTest(taskCreated(1, { steps: [step('one', { retry: 1 })] }));
    task.claim(0);
    task.do({ do: 'expireLease', run: 0, lease: 1 });
    task.claim(0, 'executor-2');
    task.when(placing(task)).refused(t, wrongState(/another executor was told to begin the attempt/));
    task.fail(0, 'unknown');
    t.match(
      task.do(placing(task)),
      [{ type: 'AttemptPlaced', data: { attempt: 2 } }],
      'a new attempt may be',
    );
  });
  t.test('for another attempt, another place, and after a stop', async (t) => {
    const task = new TaskUnderTest(taskCreated(1));
    task.claim(0);
    task.when(placing(task, { attempt: 2 })).refused(t, wrongState(/stands at step 0 attempt 1, not 0 2/));
    task.do(placing(task));
    const other = placing(task, { placement: { ...MEMORY, boot_id: 'boot-2' } });
    task.when(other).refused(t, wrongState(/is recorded to be in \/dev\/shm\/rigel-deploy already/));
    const stopped = new TaskUnderTest(taskCreated(1));
    stopped.claim(0);
    stopped.do({ do: 'stop', operator: 'ann' });
    t.throws(() => stopped.do(placing(stopped)), wrongState(/has ended/));
  });
});

t.test('an executor of an earlier release, which would begin it again, does not get the run', async (t) => {
  const task = new TaskUnderTest(taskCreated(1));
  task.do({ do: 'claim', run: 0, executor: 'old' });
  t.equal(task.state.runs[0]?.holder, 'old', 'as long as nothing is elsewhere it does');
  task.do({ do: 'expireLease', run: 0, lease: 1 });
  const placed = new TaskUnderTest(taskCreated(1));
  placed.claim(0);
  placed.do(placing(placed));
  placed.do({ do: 'expireLease', run: 0, lease: 1 });
  t.throws(
    () => placed.do({ do: 'claim', run: 0, executor: 'old' }),
    wrongState(/in \/dev\/shm\/rigel-deploy of its node; old is of an earlier release/),
  );
  placed.do({ do: 'stop', operator: 'ann' });
  t.throws(() => placed.do({ do: 'claim', run: 0, executor: 'old' }), wrongState(/earlier release/));
  placed.claim(0, 'new');
  t.match(told(placed), { do: 'stop', folders: [MEMORY.folder] });
});
