import type { EventMeta } from '@rigel/event-store';
import type { TaskEvent } from './events.js';
import { heldNodes, runRows, taskRow, touchedRuns } from './projection.js';
import { hasEnded, type TaskState } from './state.js';

/** Facts of one task that one request led to. The state contains them already. */
export interface TaskAppend {
  task: TaskState;
  events: TaskEvent[];
  /** Version of the stream before these events. */
  expectedVersion: number;
  meta: EventMeta;
}

/** A piece of an attempt's output. */
export interface OutputPiece {
  runId: number;
  step: number;
  attempt: number;
  start: number;
  data: Buffer;
}

/** Events by which a task that goes on, or has ended, may hold other nodes. */
const HOLDS_CHANGE: readonly TaskEvent['type'][] = ['TaskStarted', 'RunDrained', 'NodeReleased'];

/** Everything that was decided in one go, made durable in one transaction. */
export interface Commit {
  appends: TaskAppend[];
  outputs: OutputPiece[];
  now: number;
}

/** The database cannot keep what it was given (a NUL in a text, a number out of range): given again, it would refuse it again. */
export class Unstorable extends Error {
  override readonly name = 'Unstorable';
}

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
export function changesOf(appends: readonly TaskAppend[]): Changes {
  const touched = new Map<TaskState, Set<number>>();
  const hostKeys = new Map<number, string>();
  const holdsChange = new Set<TaskState>();
  for (const { task, events } of appends) {
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

/**
 * Of the pieces that begin at the same byte of the same attempt the longest. A piece whose answer was lost is sent
 * again, perhaps together with what came after it; the short one must not stand in the way of the long one.
 */
export function longestPieces(outputs: readonly OutputPiece[]): OutputPiece[] {
  const longest = new Map<string, OutputPiece>();
  for (const piece of outputs) {
    const key = `${piece.runId}/${piece.step}/${piece.attempt}/${piece.start}`;
    const known = longest.get(key);
    if (!known || known.data.length < piece.data.length) longest.set(key, piece);
  }
  return [...longest.values()];
}
