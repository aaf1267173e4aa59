import type { EndReason } from '@rigel/contracts';
import { NO_ADDRESS } from '@rigel/contracts';
import type { TaskCreated, TaskEvent } from './events.js';
import { describeGate, isShutBefore } from './gate.js';
import { isOpen, type RunPhase, type RunVerdict, standingOf } from './phase.js';
import { describePlaced } from './placement.js';
import { hasEnded, type Run, runAt, type StepRecord, type TaskState } from './state.js';

/*
 * The fold of a task's events: each event as a change of the state. Pure.
 */

function initialState(id: number, created: TaskCreated, at: number): TaskState {
  const runs = created.nodes.map(
    (node, index): Run => ({
      index,
      id: created.firstRunId + index,
      node: node.node,
      ip: node.ip,
      vm: node.vm,
      batch: Math.floor(index / created.batchSize),
      phase: 'pending',
      verdict: null,
      begun: false,
      step: 0,
      attempt: 1,
      failures: 0,
      lease: 0,
      holder: null,
      claimedBy: '',
      mayRun: false,
      held: true,
      retryAt: 0,
      since: 0,
      steps: [],
      updatedAt: at,
    }),
  );
  return {
    id,
    created,
    createdAt: at,
    runs,
    batches: Math.ceil(runs.length / created.batchSize),
    status: 'created',
    endReason: '',
    startedAt: null,
    endedAt: null,
    deadline: null,
    failureBudget: created.failureBudget,
    gateOpen: false,
    waitTold: false,
    batch: -1,
    batchActive: false,
    open: 0,
    counts: { waiting: runs.length, running: 0, succeeded: 0, failed: 0, stopped: 0 },
    ignored: 0,
    version: 0,
    updatedAt: at,
  };
}

/** Moves a run to a phase, and keeps the counts of the task in step. */
function enter(
  task: TaskState,
  run: Run,
  phase: RunPhase,
  { verdict = run.verdict, begun = run.begun }: { verdict?: RunVerdict | null; begun?: boolean } = {},
): void {
  const before = standingOf(run);
  const wasOpen = isOpen(run);
  run.phase = phase;
  run.verdict = verdict;
  run.begun = begun && verdict === null;
  const after = standingOf(run);
  if (before !== after) {
    task.counts[before]--;
    task.counts[after]++;
  }
  const open = isOpen(run);
  if (wasOpen !== open) task.open += open ? 1 : -1;
}

/** Whether the step failed and the run went on all the same: a step that succeeded has nothing to say. */
function wasIgnored({ standing, message }: StepRecord): boolean {
  return standing === 'succeeded' && message !== '';
}

/** The record of the step a run stands at, begun when it is missing. */
function currentStep(run: Run): StepRecord {
  let record = run.steps[run.step];
  if (!record) {
    record = { standing: 'waiting', attempts: 0, message: '' };
    run.steps[run.step] = record;
  }
  return record;
}

/** An open run stands where it has to wait for other pools. */
function wait(task: TaskState, run: Run, at: number): void {
  const { gate } = task.created;
  if (!gate) return;
  const record = currentStep(run);
  record.standing = 'waiting';
  record.message = `waits for ${describeGate(gate)}`;
  enter(task, run, 'gated');
  run.since = at;
  task.waitTold = true;
}

/** No executor has the run any more, and no command of it runs on the node. */
function letGo(run: Run): void {
  run.holder = null;
  run.mayRun = false;
  forgetBeginning(run);
}

/** How the current attempt began says nothing about the next one. */
function forgetBeginning(run: Run): void {
  if (run.takenOver) run.takenOver = undefined;
  if (run.placed) run.placed = undefined;
}

/** Why an attempt failed, and where it ran: the note is of the next one then. */
function tellFailure({ placed }: Run, record: StepRecord, reason: string): string {
  if (record.note !== undefined) record.note = undefined;
  return placed ? `${reason}; ${describePlaced(placed)}` : reason;
}

/** The step's message also says what no executor could end; the message of a failure may have said so already. */
function holdBack(run: Run, { reason, lookAt }: { reason: string; lookAt: number }, at: number): void {
  const record = currentStep(run);
  const { message, tries, since } = run.drain ?? { message: record.message, tries: 0, since: at };
  run.drain = { reason, lookAt, tries: tries + 1, since, message };
  if (message === '') record.message = reason;
  else record.message = message.includes(reason) ? message : `${message}; ${reason}`;
}

/** No command of the run is left on the node. */
function drained(task: TaskState, run: Run): void {
  if (run.drain) currentStep(run).message = run.drain.message;
  delete run.drain;
  delete run.leftover;
  if (hasEnded(task)) run.held = false;
  letGo(run);
  enter(task, run, 'ended');
}

function end(task: TaskState, run: Run, verdict: RunVerdict): void {
  enter(task, run, 'ended', { verdict });
  letGo(run);
}

/** The run ends at once for the outside; if its command may run, an executor is still to end it on the node. */
function endFromOutside(task: TaskState, run: Run, verdict: RunVerdict, message: string): void {
  if (run.mayRun || run.steps[run.step]) {
    const record = currentStep(run);
    record.standing = verdict;
    record.message = message;
  }
  enter(task, run, run.mayRun ? 'draining' : 'ended', { verdict });
}

function moveToNextStep(run: Run, at: number): void {
  run.step++;
  run.attempt = 1;
  delete run.leftover;
  run.failures = 0;
  run.retryAt = 0;
  run.since = at;
  forgetBeginning(run);
}

/** The next attempt is authorised under the same lease: it shows as running from now on. */
function markWorking(task: TaskState, run: Run): void {
  if (run.phase !== 'leased' || run.step >= task.created.steps.length) return;
  if (isShutBefore(task, run.step)) return;
  const record = currentStep(run);
  record.standing = 'running';
  record.attempts = run.attempt;
}

/** A task that has ended holds only the nodes on which executors are still ending its commands. */
function releaseNodes(task: TaskState): void {
  for (const run of task.runs) run.held = run.phase === 'draining';
}

function finishTask(task: TaskState, reason: EndReason, at: number): void {
  task.endedAt = at;
  task.status = 'finished';
  task.endReason = reason;
  task.deadline = null;
  task.batchActive = false;
  releaseNodes(task);
}

/**
 * The state after a recorded fact. For speed it changes the given state and returns it: a task over ten thousand nodes
 * is folded in one pass without copies. The caller owns the state, and throws it away when recording fails.
 *
 * @param task undefined before TaskCreated.
 * @param at when the event was recorded, in milliseconds since 1970.
 */
export function evolve(task: TaskState | undefined, event: TaskEvent, id: number, at: number): TaskState {
  if (event.type === 'TaskCreated') {
    const created = initialState(id, event.data, at);
    created.version = 1;
    return created;
  }
  if (!task) throw new Error(`the history of task ${id} begins with ${event.type}`);
  task.version++;
  task.updatedAt = at;
  apply(task, event, at);
  return task;
}

function apply(task: TaskState, event: Exclude<TaskEvent, { type: 'TaskCreated' }>, at: number): void {
  switch (event.type) {
    case 'TaskStarted': {
      task.status = 'running';
      task.endReason = '';
      task.startedAt ??= at;
      task.endedAt = null;
      task.deadline = event.data.deadline;
      if (event.data.failureBudget !== undefined) task.failureBudget = event.data.failureBudget;
      task.waitTold = false;
      // Only steps that a pause left to finish keep their batch going, unless an earlier one is to be done first.
      const first = event.data.runs?.[0];
      task.batchActive = task.open > 0 && (first === undefined || runAt(task, first).batch >= task.batch);
      for (const index of event.data.runs ?? []) {
        const run = runAt(task, index);
        enter(task, run, 'pending', { verdict: null, begun: false });
        // The executor that was ending its command has no lease any more: the next one finds the attempt on the node.
        run.holder = null;
        run.failures = 0;
        run.retryAt = 0;
        delete run.drain;
        run.held = true;
        run.updatedAt = at;
        const record = run.steps[run.step];
        if (record) record.standing = 'waiting';
      }
      return;
    }
    case 'BatchStarted': {
      task.batch = event.data.batch;
      task.batchActive = true;
      for (const index of event.data.runs) {
        const run = runAt(task, index);
        enter(task, run, run.mayRun ? 'orphaned' : 'ready');
        if (isShutBefore(task, run.step)) wait(task, run, at);
        run.updatedAt = at;
      }
      return;
    }
    case 'RunClaimed': {
      const run = runAt(task, event.data.run);
      run.holder = event.data.executor;
      run.claimedBy = event.data.executor;
      run.lease = event.data.lease;
      run.updatedAt = at;
      if (run.phase === 'draining') return;
      enter(task, run, 'leased', { begun: true });
      // A claim that finds an attempt again does not give it a new time limit.
      if (run.mayRun) run.takenOver = true;
      else run.since = at;
      run.mayRun = true;
      markWorking(task, run);
      return;
    }
    case 'LeaseExpired': {
      const run = runAt(task, event.data.run);
      run.holder = null;
      if (run.phase === 'leased') enter(task, run, 'orphaned');
      return;
    }
    case 'RunHandedBack': {
      const run = runAt(task, event.data.run);
      run.holder = null;
      if (run.phase === 'leased') enter(task, run, event.data.idle ? 'ready' : 'orphaned');
      if (event.data.idle) {
        run.mayRun = false;
        forgetBeginning(run);
      }
      if (event.data.stillRuns && run.phase === 'draining') {
        holdBack(run, event.data.stillRuns, at);
        run.updatedAt = at;
      }
      return;
    }
    case 'AttemptPlaced': {
      const { folder, bootId, memory, why } = event.data;
      const run = runAt(task, event.data.run);
      run.placed = { folder, boot_id: bootId, memory, why };
      run.folders = [...new Set([...(run.folders ?? []), folder])];
      currentStep(run).note = describePlaced(run.placed);
      run.updatedAt = at;
      return;
    }
    case 'HostKeyPinned':
      return;
    case 'MachineAssigned': {
      const run = runAt(task, event.data.run);
      run.vm = event.data.vm;
      run.ip = event.data.ip || NO_ADDRESS;
      run.updatedAt = at;
      return;
    }
    case 'MachineReturned': {
      const run = runAt(task, event.data.run);
      run.vm = '';
      run.updatedAt = at;
      return;
    }
    case 'AttemptSucceeded': {
      const run = runAt(task, event.data.run);
      const record = currentStep(run);
      record.standing = 'succeeded';
      record.attempts = event.data.attempt;
      record.message = event.data.note ?? '';
      run.updatedAt = at;
      moveToNextStep(run, at);
      markWorking(task, run);
      return;
    }
    case 'AttemptFailed': {
      const run = runAt(task, event.data.run);
      const record = currentStep(run);
      record.attempts = event.data.attempt;
      record.message = tellFailure(run, record, event.data.reason);
      run.updatedAt = at;
      if (event.data.mayRun) run.leftover = true;
      else delete run.leftover;
      if (event.data.next === 'ignore') {
        record.standing = 'succeeded';
        moveToNextStep(run, at);
      } else {
        record.standing = 'failed';
        // One that may still run and is not followed by another stays the current one: it is to be ended.
        if (event.data.next === 'retry' || !event.data.mayRun) run.attempt++;
        if (event.data.next === 'retry') forgetBeginning(run);
        run.failures++;
        run.retryAt = event.data.retryAt ?? 0;
        run.since = at;
      }
      if (event.data.next !== 'fail') markWorking(task, run);
      return;
    }
    case 'AttemptStopped': {
      const run = runAt(task, event.data.run);
      run.attempt++;
      run.updatedAt = at;
      if (event.data.reason) currentStep(run).message = event.data.reason;
      return;
    }
    case 'RunSucceeded': {
      const run = runAt(task, event.data.run);
      end(task, run, 'succeeded');
      if (run.steps.some(wasIgnored)) task.ignored++;
      run.updatedAt = at;
      return;
    }
    case 'RunFailed': {
      const run = runAt(task, event.data.run);
      const record = currentStep(run);
      record.standing = 'failed';
      record.message = tellFailure(run, record, event.data.reason);
      // A run that fails before it is opened again by a resume is one whose node the task could not have.
      if (run.phase === 'pending') run.held = false;
      end(task, run, 'failed');
      if (event.data.draining) {
        run.mayRun = true;
        enter(task, run, 'draining');
      }
      run.updatedAt = at;
      return;
    }
    case 'RunsHalted': {
      for (const index of event.data.runs) {
        const run = runAt(task, index);
        const record = run.steps[run.step];
        if (record) record.standing = 'stopped';
        if (record && run.phase === 'gated') record.message = '';
        // A pending one that was draining before it was resumed, and has not been taken up again.
        if (run.phase === 'pending' && run.mayRun) enter(task, run, 'draining', { verdict: 'stopped' });
        else end(task, run, 'stopped');
        run.updatedAt = at;
      }
      return;
    }
    case 'RunDeferred': {
      const run = runAt(task, event.data.run);
      enter(task, run, 'pending', { begun: false });
      letGo(run);
      const record = run.steps[run.step];
      if (record) record.standing = 'waiting';
      run.updatedAt = at;
      return;
    }
    case 'RunWaiting': {
      const run = runAt(task, event.data.run);
      letGo(run);
      wait(task, run, at);
      run.updatedAt = at;
      return;
    }
    case 'GateOpened': {
      task.gateOpen = true;
      for (const index of event.data.runs) {
        const run = runAt(task, index);
        enter(task, run, 'ready');
        currentStep(run).message = '';
        run.updatedAt = at;
      }
      return;
    }
    case 'RunDrained': {
      const run = runAt(task, event.data.run);
      drained(task, run);
      run.updatedAt = at;
      return;
    }
    case 'NodeReleased': {
      const run = runAt(task, event.data.run);
      drained(task, run);
      // Its outcome stays unknown; a resumed run looks for it on the node and begins the next one.
      run.attempt++;
      // The executor that was ending the command still has the old lease. Its report would look like the repetition of one that is
      // recorded, be accepted, and the trace on the node removed that a resumed run looks for.
      run.lease++;
      run.updatedAt = at;
      return;
    }
    case 'BatchFinished': {
      task.batchActive = false;
      return;
    }
    case 'TaskPaused': {
      task.status = 'paused';
      task.deadline = null;
      return;
    }
    case 'TaskStopped': {
      task.status = 'stopped';
      task.endReason = 'stopped';
      task.endedAt = at;
      task.deadline = null;
      task.batchActive = false;
      for (const run of task.runs) {
        if (run.verdict !== null) continue;
        endFromOutside(task, run, 'stopped', '');
        run.updatedAt = at;
      }
      releaseNodes(task);
      return;
    }
    case 'TaskTimedOut': {
      for (const run of task.runs) {
        if (run.verdict !== null) continue;
        endFromOutside(task, run, 'failed', 'timeout: the time of the task was up');
        run.updatedAt = at;
      }
      finishTask(task, 'timeout', at);
      return;
    }
    case 'FailureBudgetExceeded': {
      task.status = 'halting';
      return;
    }
    case 'TaskFinished': {
      finishTask(task, event.data.reason, at);
      return;
    }
    default:
      event satisfies never;
  }
}
