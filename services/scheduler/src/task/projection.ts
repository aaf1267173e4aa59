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
    started_at: task.startedAt,
    ended_at: task.endedAt,
    deadline: task.deadline,
    batch: task.batch + 1,
    budget: task.failureBudget,
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

/** Events by which a task that goes on, or has ended, may hold other nodes. */
const HOLDS_CHANGE: readonly TaskEvent['type'][] = ['TaskStarted', 'RunDrained', 'NodeReleased'];

/** What a group of decisions changes in the read tables. */
export interface Changes {
  tasks: object[];
  runs: ReturnType<typeof runRows>;
  host_keys: { node_id: number; host_key: string }[];
  /** Unfinished tasks and their nodes: what was reserved for a resume becomes a hold. */
  holding: { task_id: number; nodes: number[] }[];
  /** Ended tasks, and the nodes on which a command of theirs is still being ended: only those stay held. */
  ended: { task_id: number; nodes: number[] }[];
}

/** What is to be written to the read tables for these events, which the states contain already. */
export function changesOf(decided: readonly { task: TaskState; events: readonly TaskEvent[] }[]): Changes {
  const touched = new Map<TaskState, Set<number>>();
  const hostKeys = new Map<number, string>();
  const holdsChange = new Set<TaskState>();
  for (const { task, events } of decided) {
    const indexes = touched.get(task) ?? new Set<number>();
    touched.set(task, indexes);
    for (const event of events) {
      const runs = touchedRuns(task, event);
      if (runs === 'all') for (const run of task.runs) indexes.add(run.index);
      else for (const index of runs) indexes.add(index);
      if (event.type === 'HostKeyPinned' && !hostKeys.has(event.data.node)) {
        hostKeys.set(event.data.node, event.data.hostKey);
      }
      if (HOLDS_CHANGE.includes(event.type)) holdsChange.add(task);
    }
    if (hasEnded(task)) holdsChange.add(task);
  }
  const changes: Changes = {
    tasks: [...touched.keys()].map(taskRow),
    runs: [...touched].flatMap(([task, indexes]) => runRows(task, indexes)),
    host_keys: [...hostKeys].map(([node_id, host_key]) => ({ node_id, host_key })),
    holding: [],
    ended: [],
  };
  for (const task of holdsChange) {
    changes[hasEnded(task) ? 'ended' : 'holding'].push({ task_id: task.id, nodes: heldNodes(task) });
  }
  return changes;
}
