import t from 'tap';
import { RESERVED, step, TaskUnderTest, taskCreated } from '../testing/task.js';

t.test(
  'retries: each with its own number, after the delay, then the node has failed at that step',
  async (t) => {
    const task = new TaskUnderTest(taskCreated(1, { steps: [step('one'), step('two', { retry: 2 })] }));
    task.claim(0);
    task.report(0);
    for (const attempt of [1, 2]) {
      t.match(task.fail(0), [{ type: 'AttemptFailed', data: { step: 1, attempt, next: 'retry' } }]);
      t.match(task.next(0), {
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
  t.match(task.next(2), {
    do: 'run',
    step: 1,
    attempt: 2,
  });
  task.report(2);
  t.match(task.state, { status: 'finished', endReason: 'completed' });
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
