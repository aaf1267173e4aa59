import { isDeepStrictEqual } from 'node:util';
import { ServiceError } from '@rigel/contracts';
import fc from 'fast-check';
import t from 'tap';
import { RESERVED, step, TaskUnderTest, taskCreated } from '../testing/task.js';
import type { TaskEvent } from './events.js';
import { evolve } from './evolve.js';
import { renderLog } from './log.js';
import { isOpen, MOVES, standingOf } from './phase.js';
import { touchedRuns } from './projection.js';
import { hasEnded, needsExecutor, type Run, type TaskState } from './state.js';

/** What the world may do to a task; the numbers choose among what is possible at the time. */
const move = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('claim' as const), pick: fc.nat(), executor: fc.nat(3) }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('report' as const), pick: fc.nat(), luck: fc.nat(9) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expire' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('place' as const), pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('handBack' as const, 'claimAgain' as const, 'release' as const),
      pick: fc.nat(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('openGate' as const, 'failGate' as const), pick: fc.nat() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('pause' as const, 'start' as const, 'start' as const),
      pick: fc.nat(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('wait' as const, 'lateReport' as const), pick: fc.nat() }),
  },
);
const ending = fc.constantFrom('stop' as const, 'timeOut' as const, 'none' as const);

const plan = fc.record({
  nodes: fc.integer({ min: 1, max: 7 }),
  batchSize: fc.integer({ min: 1, max: 4 }),
  retry: fc.nat(2),
  ignore: fc.boolean(),
  budget: fc.option(fc.nat(3)),
  gateBefore: fc.option(fc.nat(2)),
  moves: fc.array(move, { maxLength: 120, size: 'max' }),
  ending,
});

const gateAt = (before: number) => ({
  before,
  limitMs: 5_000,
  waitsFor: [{ task: 9, pool: { id: 9, name: 'other' }, step: 0, stepName: 'one' }],
});

type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

function pickFrom<T>(items: readonly T[], pick: number): T | undefined {
  return items.length === 0 ? undefined : items[pick % items.length];
}

function allowRefusal(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
  }
}

/** Whatever the step says of errors: a node on which nothing ran has not passed it. */
function neverReached(task: TaskUnderTest, run: number): void {
  const events = task.report(run, { status: 'failed', reason: 'no route', not_begun: true });
  const passed = events.some(
    (event) =>
      event.type === 'RunSucceeded' || (event.type === 'AttemptFailed' && event.data.next === 'ignore'),
  );
  if (passed) throw new Error(`run ${run} passed a step of which nothing ran`);
}

function play(task: TaskUnderTest, next: Move): void {
  const { runs } = task.state;
  switch (next.kind) {
    case 'claim': {
      const run = pickFrom(runs.filter(needsExecutor), next.pick);
      if (run) task.claim(run.index, `executor-${next.executor}`);
      return;
    }
    case 'report': {
      const run = pickFrom(
        runs.filter(({ holder }) => holder !== null),
        next.pick,
      );
      if (!run) return;
      if (run.phase === 'draining')
        task.report(run.index, { status: 'stopped', ...(next.luck < 3 ? { may_run: true } : {}) });
      else if (next.luck === 4) task.report(run.index, {}, []);
      else if (next.luck < 2) task.report(run.index, { status: 'failed', reason: 'gone', may_run: true });
      else if (next.luck < 3) task.fail(run.index);
      else if (next.luck === 3) neverReached(task, run.index);
      else task.report(run.index);
      return;
    }
    case 'expire': {
      const run = pickFrom(
        runs.filter(({ holder }) => holder !== null),
        next.pick,
      );
      if (run) task.do({ do: 'expireLease', run: run.index, lease: run.lease });
      return;
    }
    case 'place': {
      const run = pickFrom(
        runs.filter(({ holder }) => holder !== null),
        next.pick,
      );
      if (!run) return;
      const { index, lease, step, attempt } = run;
      const placement = { folder: '/dev/shm/x', boot_id: `boot-${next.pick % 2}`, memory: true };
      allowRefusal(() => task.do({ do: 'place', run: index, lease, step, attempt, placement, why: 'full' }));
      return;
    }
    case 'handBack': {
      const run = pickFrom(
        runs.filter(({ holder }) => holder !== null),
        next.pick,
      );
      if (run) task.do({ do: 'handBack', run: run.index, lease: run.lease, idle: false });
      return;
    }
    case 'openGate':
      // Not always at once, so that some wait for it.
      if (next.pick % 4 === 0) task.do({ do: 'openGate' });
      return;
    case 'failGate':
      task.do({ do: 'failGate', reason: 'others failed', overdue: next.pick % 2 === 0 });
      return;
    case 'pause':
      allowRefusal(() => task.do({ do: 'pause', operator: 'x' }));
      return;
    case 'start': {
      const lost = pickFrom(runs, next.pick);
      const unavailable =
        lost && next.pick % 5 === 0 ? [{ node: lost.node, reason: 'it left the pool' }] : [];
      allowRefusal(() => task.do({ do: 'start', operator: 'x', unavailable, ...RESERVED }));
      return;
    }
    case 'claimAgain': {
      const run = pickFrom(
        runs.filter(({ holder }) => holder !== null),
        next.pick,
      );
      if (run?.holder) task.claim(run.index, run.holder);
      return;
    }
    case 'release': {
      const run = pickFrom(
        runs.filter(({ phase }) => phase === 'draining'),
        next.pick,
      );
      if (run) task.do({ do: 'release', run: run.index, operator: 'x', reason: 'switched off' });
      return;
    }
    case 'wait':
      task.now += 1 + (next.pick % 10_000);
      return;
    case 'lateReport': {
      const run = pickFrom(runs, next.pick);
      if (!run || run.lease === 0) return;
      const before = task.events.length;
      allowRefusal(() =>
        task.do({
          do: 'report',
          run: run.index,
          lease: run.lease - (run.holder === null ? 0 : 1),
          step: run.step,
          attempt: run.attempt,
          capabilities: ['ssh'],
          result: { status: 'succeeded', reason: '', started_at: 0, finished_at: 0 },
        }),
      );
      if (task.events.length !== before) throw new Error('a report without a valid lease was recorded');
      return;
    }
    default:
      next satisfies never;
  }
}

function checkInvariants(task: TaskUnderTest): void {
  const { state } = task;
  const counted = { waiting: 0, running: 0, succeeded: 0, failed: 0, stopped: 0 };
  for (const run of state.runs) counted[standingOf(run)]++;
  if (!isDeepStrictEqual(counted, state.counts))
    throw new Error(`counts ${JSON.stringify(state.counts)} are not ${JSON.stringify(counted)}`);
  if (state.runs.filter(isOpen).length !== state.open) throw new Error('the count of open runs is wrong');
  const opened = (run: Run): boolean => isOpen(run) && run.batch === state.batch;
  if (state.runs.filter(opened).length > state.created.batchSize)
    throw new Error('the batch window is exceeded');
  for (const run of state.runs) {
    const { phase, verdict, begun, holder, mayRun } = run;
    const about = `run ${run.index}, ${phase},`;
    if ((verdict !== null) !== (phase === 'draining' || phase === 'ended'))
      throw new Error(`${about} has the verdict ${verdict}`);
    if (phase === 'leased' ? holder === null : phase !== 'draining' && holder !== null)
      throw new Error(`${about} has the executor ${holder}`);
    if (
      phase !== 'pending' &&
      mayRun !== (phase === 'leased' || phase === 'orphaned' || phase === 'draining')
    )
      throw new Error(`${about} has a command that may run: ${mayRun}`);
    if (phase === 'pending' && begun) throw new Error(`${about} has begun`);
    if (verdict === 'succeeded' && run.step !== state.created.steps.length)
      throw new Error('succeeded without all steps');
    if (phase === 'gated' && state.gateOpen) throw new Error('a run waits at the open gate');
    const { gate } = state.created;
    const shut = gate && !state.gateOpen && run.step === gate.before;
    if (shut && isOpen(run) && phase !== 'gated')
      throw new Error('a run is at the shut gate and does not wait');
    if (gate && !state.gateOpen && run.step > gate.before) throw new Error('a run has passed the shut gate');
  }
  checkIgnored(task);
  checkBudget(task);
  if (hasEnded(state) && state.open > 0) throw new Error('an ended task has open runs');
  if (state.status === 'running' && state.open === 0) throw new Error('a running task has nothing open');
}

/** Counted anew from the events: runs that passed, and of which a failed step was ignored. */
function checkIgnored({ events, state }: TaskUnderTest): void {
  const ignored = new Set<number>();
  for (const { event } of events) {
    if (event.type === 'AttemptFailed' && event.data.next === 'ignore') ignored.add(event.data.run);
  }
  const passed = [...ignored].filter((index) => state.runs[index]?.verdict === 'succeeded').length;
  if (passed !== state.ignored) throw new Error(`${state.ignored} ignored errors, not ${passed}`);
}

/** A budget decides alone: within it a run that goes on by itself ends when all of its nodes have. */
function checkBudget({ events, state }: TaskUnderTest): void {
  const { failureBudget } = state.created;
  if (failureBudget === null || state.status !== 'finished' || state.endReason === 'timeout') return;
  const last = (type: string): number => events.findLastIndex(({ event }) => event.type === type);
  if (last('FailureBudgetExceeded') > last('TaskStarted')) return;
  if (state.runs.some(({ verdict }) => verdict === null || verdict === 'stopped'))
    throw new Error(`halted with ${state.counts.failed} failed nodes though ${failureBudget} are allowed`);
}

/** Every attempt is authorised once: its number never comes back after an outcome is known. */
function checkAttempts(task: TaskUnderTest): void {
  const ended = new Set<string>();
  for (const { event } of task.events) {
    if (
      event.type !== 'AttemptSucceeded' &&
      event.type !== 'AttemptFailed' &&
      event.type !== 'AttemptStopped'
    )
      continue;
    // Failed and not retried, but not known to be ended: its end is still to come.
    if (event.type === 'AttemptFailed' && event.data.mayRun && event.data.next === 'fail') continue;
    const key = `${event.data.run}/${event.data.step}/${event.data.attempt}`;
    if (ended.has(key)) throw new Error(`attempt ${key} ended twice`);
    ended.add(key);
  }
}

/** A task after all that a plan does to it. */
function played({ nodes, batchSize, retry, ignore, budget, gateBefore, moves, ending }: Plan): TaskUnderTest {
  const steps = [step('one', { retry }), step('two', { ignore }), step('three')];
  const task = new TaskUnderTest(
    taskCreated(nodes, {
      batchSize: Math.min(batchSize, nodes),
      steps,
      failureBudget: budget,
      timeoutMs: 1e9,
      ...(gateBefore === null ? {} : { gate: gateAt(gateBefore) }),
    }),
  );
  for (const next of moves) {
    play(task, next);
    checkInvariants(task);
  }
  if (ending === 'stop') allowRefusal(() => task.do({ do: 'stop', operator: 'x' }));
  if (ending === 'timeOut') {
    task.now += 1e9;
    task.do({ do: 'timeOut' });
  }
  checkInvariants(task);
  return task;
}

type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

/** Every move of every run is one of the table's. */
function checkMoves(task: TaskUnderTest, seen?: Set<string>): void {
  let state: TaskState | undefined;
  for (const { event, at } of task.events) {
    const before = state?.runs.map(({ phase }) => phase);
    const touched = state ? new Set(touchedOf(state, event)) : new Set<number>();
    state = evolve(state, structuredClone(event), 1, at);
    for (const [index, { phase }] of state.runs.entries()) {
      const from = before?.[index];
      if (from === undefined) continue;
      const allowed = MOVES[from][event.type];
      const stays = phase === from && !(touched.has(index) && event.type in MOVERS);
      if (stays) continue;
      if (!allowed?.includes(phase))
        throw new Error(`${event.type} took run ${index} from ${from} to ${phase}`);
      seen?.add(`${from}: ${event.type} → ${phase}`);
    }
  }
}

/** Events that some phase lists: whoever meets one of them must list it as well. */
const MOVERS = Object.assign({}, ...Object.values(MOVES)) as object;

/** The runs that an event is about. Those that a stop finds with a verdict are left as they are. */
function touchedOf(task: TaskState, event: TaskEvent): readonly number[] {
  const touched = touchedRuns(task, event);
  return touched === 'all'
    ? task.runs.filter(({ verdict }) => verdict === null).map(({ index }) => index)
    : touched;
}

t.test('every move of the table happens', async (t) => {
  const seen = new Set<string>();
  // The same histories each time.
  fc.assert(
    fc.property(plan, (one) => checkMoves(played(one), seen)),
    { numRuns: 2_400, seed: 15 },
  );
  const table = Object.entries(MOVES).flatMap(([from, moves]) =>
    Object.entries(moves).flatMap(([type, phases]) => phases.map((to) => `${from}: ${type} → ${to}`)),
  );
  t.strictSame([...seen].sort(), table.sort());
});

t.test(
  'whatever happens, the invariants hold, the task can end, and replay gives the same state',
  async () => {
    fc.assert(
      fc.property(plan, (one) => {
        const task = played(one);
        if (task.state.status === 'paused')
          allowRefusal(() => task.do({ do: 'start', operator: 'x', unavailable: [], ...RESERVED }));
        // From here on everything goes well: the task must come to its end by itself.
        task.do({ do: 'openGate' });
        for (let n = 0; n < 1_000; n++) {
          const waiting = task.state.runs.find(needsExecutor);
          if (waiting) task.claim(waiting.index);
          const held = task.state.runs.find(({ holder }) => holder !== null);
          if (held) task.report(held.index, held.phase === 'draining' ? { status: 'stopped' } : {});
          checkInvariants(task);
          if (!waiting && !held) break;
        }
        if (!hasEnded(task.state)) throw new Error(`the task is left ${task.state.status}`);
        if (task.state.runs.some(({ phase, holder }) => phase === 'draining' || holder !== null))
          throw new Error('a run is left');
        checkAttempts(task);
        checkMoves(task);
        const replayed = task.replayed();
        if (JSON.stringify(replayed) !== JSON.stringify(task.state))
          throw new Error('replay differs from live');
      }),
      { numRuns: 2_000 },
    );
  },
);

t.test(
  'the log has rising ids, the same each time, and `after` leaves out exactly what came before',
  async (t) => {
    const task = new TaskUnderTest(taskCreated(3, { batchSize: 2 }));
    for (const run of [0, 1, 2]) task.finish(run);
    const recorded = task.recorded();
    const lines = renderLog(1, recorded);
    t.match(
      lines[0]?.message,
      /task deploy created by root: template template, 3 nodes of pool pool in 2 batches of up to 2/,
    );
    t.match(lines.at(-1)?.message, /task finished, completed: 3 nodes succeeded, 0 failed/);
    t.ok(
      lines.some(
        ({ batch_id, message }) => batch_id === 2 && message.includes('10.0.0.3: two attempt 1 succeeded'),
      ),
    );
    for (let index = 1; index < lines.length; index++)
      t.ok((lines[index]?.id ?? 0) > (lines[index - 1]?.id ?? 0));
    for (const line of lines) {
      t.same(
        renderLog(1, recorded, line.id).map(({ id }) => id),
        lines.filter(({ id }) => id > line.id).map(({ id }) => id),
      );
    }
  },
);
