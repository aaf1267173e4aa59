import { type Static, Type } from 'typebox';
import { Id } from './paging.js';
import { defineRpc } from './rpc.js';
import { RunState } from './tasks.js';

/** One reason. The next one in the chain is the reason for this one. */
export const Reason = Type.Object({
  /** Kind of the reason, for programs; see docs/why.md. */
  code: Type.String(),
  /** The reason in words. */
  text: Type.String(),
  /** Beginning of the state, or time of the event, in milliseconds since 1970; null = not known. */
  since: Type.Union([Type.Integer(), Type.Null()]),
  /** The things that the text mentions: ids, counts, times in milliseconds. */
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

/** The most nodes that an answer explains; it counts the others. */
export const NODES_EXPLAINED = 20;

export const TaskWhy = Type.Object({
  task_id: Id,
  state: RunState,
  /** The chain in one line. */
  text: Type.String(),
  /** From the task to the last known reason, by way of the first node that waits or has failed. */
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
