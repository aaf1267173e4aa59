import { type Static, Type } from 'typebox';
import { Id } from './paging.js';
import { defineRpc } from './rpc.js';
import { RunState } from './tasks.js';

/** One reason; the next one in its chain is the reason for it. */
export const Reason = Type.Object({
  /** What kind of reason it is, for programs: see docs/why.md. */
  code: Type.String(),
  /** The reason in words. */
  text: Type.String(),
  /** Since when it is so, or when it happened; milliseconds since 1970, null = not known. */
  since: Type.Union([Type.Integer(), Type.Null()]),
  /** What the words speak of: ids, counts, times in milliseconds. */
  data: Type.Record(Type.String(), Type.Union([Type.String(), Type.Integer(), Type.Null()])),
});
export type Reason = Static<typeof Reason>;

/** Why one node of a task waits or has failed. */
export const NodeReasons = Type.Object({
  run_id: Id,
  node_id: Id,
  ip: Type.String(),
  state: RunState,
  chain: Type.Array(Reason),
});
export type NodeReasons = Static<typeof NodeReasons>;

/** Nodes that are explained at most; the others are counted. */
export const NODES_EXPLAINED = 20;

export const TaskWhy = Type.Object({
  task_id: Id,
  state: RunState,
  /** The chain in one line. */
  text: Type.String(),
  /** From the task down to the last known reason, by the way of the first node that waits or has failed. */
  chain: Type.Array(Reason),
  nodes: Type.Array(NodeReasons),
  /** Nodes that wait or have failed and are not among `nodes`. */
  more_nodes: Type.Integer({ minimum: 0 }),
});
export type TaskWhy = Static<typeof TaskWhy>;

/** Why a task waits, has failed, or ended as it did. */
export const taskWhy = defineRpc('scheduler.task.why', {
  request: Type.Object({ id: Id }),
  response: TaskWhy,
});
