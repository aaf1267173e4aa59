import type { RunState } from '@rigel/contracts';
import type { TaskEvent } from './events.js';
import { NUMBER, STANDINGS, standingOf } from './phase.js';
import { hasEnded, type Run, type StepRecord, standingOfTask, type TaskState } from './state.js';

/** Indexes of the runs that an event changes. */
export function touchedRuns(task: TaskState, event: TaskEvent): readonly number[] | 'all' {
  switch (event.type) {
    case 'TaskCreated':
    case 'TaskStopped':
    case 'TaskTimedOut':
      return 'all';
    case 'TaskStarted':
      return event.data.runs ?? [];
    case 'BatchStarted':
    case 'RunsHalted':
    case 'GateOpened':
      return event.data.runs;
    case 'MachineAssigned':
    case 'MachineReturned':
    case 'RunClaimed':
    case 'LeaseExpired':
    case 'RunHandedBack':
    case 'AttemptPlaced':
    case 'AttemptSucceeded':
    case 'AttemptFailed':
    case 'AttemptStopped':
    case 'RunSucceeded':
    case 'RunFailed':
    case 'RunDeferred':
    case 'RunWaiting':
    case 'RunDrained':
    case 'NodeReleased':
      return [event.data.run];
    case 'HostKeyPinned':
    case 'BatchFinished':
    case 'TaskPaused':
    case 'FailureBudgetExceeded':
    case 'TaskFinished':
      return [];
    default:
      event satisfies never;
      return task.runs.map(({ index }) => index);
  }
}

/** Whether the scheduler still has something to do for the task, or may be asked to (a paused one holds its nodes). */
export function isActive(task: TaskState): boolean {
  return !hasEnded(task) || task.runs.some(({ phase }) => phase === 'draining');
}

/** Nodes that the task holds: those of its runs, and the other spellings of the same machines. */
export function heldNodes(task: TaskState): number[] {
  const held = task.runs.filter((run) => run.held);
  return [...held.map(({ node }) => node), ...held.flatMap((run) => spellingsOf(task, run))];
}

/** The other nodes that are the machine of a run. */
export function spellingsOf(task: TaskState, run: Run): number[] {
  return task.created.nodes[run.index]?.same?.map(({ node }) => node) ?? [];
}

/** The API's number for what the outside sees of a run. */
export function stateOf(run: Run): RunState {
  return NUMBER[standingOf(run)];
}

/** Runs by state, as the API counts them. */
export function statOf({ counts }: TaskState): number[] {
  return STANDINGS.map((standing) => counts[standing]);
}

/** A step in the column `steps`. */
export interface StepRow extends Omit<StepRecord, 'standing'> {
  state: RunState;
}

/** Field by field: this is done for each step of each run that changes. */
export function stepRow({ standing, attempts, message, note }: StepRecord): StepRow {
  const state = NUMBER[standing];
  return note === undefined ? { state, attempts, message } : { state, attempts, message, note };
}

/** Row of the read table `tasks`, those columns that change. */
export function taskRow(task: TaskState) {
  return {
    id: task.id,
    state: NUMBER[standingOfTask(task)],
    end_reason: task.endReason,
    stat: statOf(task),
    ignored: task.ignored,
    active: isActive(task),
    version: task.version,
    updated_at: task.updatedAt,
  };
}

/** Only where it is not what it was when the task was made, which most rows were written with. */
function machineOf(task: TaskState, run: Run): { ip?: string; vm_id?: string } {
  const made = task.created.nodes[run.index];
  return made?.ip === run.ip && made.vm === run.vm ? {} : { ip: run.ip, vm_id: run.vm };
}

/** Row of the read table `runs`, those columns that change. */
type RunRow = {
  id: number;
  /** Only where they are not what they were when the task was made. */
  ip?: string;
  vm_id?: string;
  state: number;
  step: number;
  steps: StepRow[];
  updated_at: number;
};

/** Rows of the read table `runs`, those columns that change. */
export function runRows(task: TaskState, indexes: Iterable<number>) {
  const rows: RunRow[] = [];
  for (const index of indexes) {
    const run = task.runs[index];
    if (run)
      rows.push({
        id: run.id,
        ...machineOf(task, run),
        state: stateOf(run),
        step: run.step,
        steps: run.steps.map(stepRow),
        updated_at: run.updatedAt,
      });
  }
  return rows;
}
