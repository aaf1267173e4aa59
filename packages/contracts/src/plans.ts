import { type Static, Type } from 'typebox';
import { StepKind } from './catalog.js';
import { Id } from './paging.js';
import { defineRpc } from './rpc.js';
import { requests } from './task-requests.js';
import { ValueSource } from './tasks.js';

/*
 * Plans: what an operation would do, made by the code that does it, without doing it. Rows are limited; the counts
 * beside them are not.
 */

/** Nodes of a plan that are listed. */
export const PLANNED_NODES = 200;
/** Nodes that do not take part, and tasks, that are listed. */
export const PLANNED_ROWS = 1_000;
/** Characters of a value, and of a rendered script, that are shown. */
export const SHOWN_VALUE = 2_000;
export const SHOWN_SCRIPT = 20_000;

/** A node that does not take part, and why. */
export const LeftOutNode = Type.Object({
  /** 0: no node has the address. */
  node_id: Type.Integer({ minimum: 0 }),
  ip: Type.String(),
  code: Type.Union([
    Type.Literal('held'),
    Type.Literal('no_address'),
    Type.Literal('unknown'),
    Type.Literal('left_pool'),
    Type.Literal('stays_failed'),
    Type.Literal('stays_halted'),
    Type.Literal('not_begun'),
    Type.Literal('succeeded'),
    Type.Literal('at_work'),
  ]),
  text: Type.String(),
  /** The task that holds it. */
  task_id: Type.Optional(Id),
});
export type LeftOutNode = Static<typeof LeftOutNode>;

export const PlannedNode = Type.Object({
  node_id: Id,
  ip: Type.String(),
  vm_id: Type.String(),
  pool_id: Id,
  /** Batch of its task, counted from 1. */
  batch: Type.Integer({ minimum: 1 }),
  /** The step at which it goes on; absent: the first. */
  step: Type.Optional(Type.String()),
});

export const PlannedTask = Type.Object({
  name: Type.String(),
  pool_id: Id,
  pool_name: Type.String(),
  nodes: Type.Integer({ minimum: 0 }),
  batch_size: Type.Integer({ minimum: 1 }),
  batches: Type.Integer({ minimum: 0 }),
  /** Failed nodes that it tolerates; null = no budget: it halts after a batch in which no node succeeded. */
  max_failed: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
});

export const PlannedAction = Type.Object({
  name: Type.String(),
  module: Type.String(),
  /** As it runs on a node, with `‹secret name›` in place of each secret. */
  script: Type.String(),
  /** The end of the script is left out. */
  cut: Type.Boolean(),
});

export const PlannedStepRow = Type.Object({
  name: Type.String(),
  kind: StepKind,
  retry_times: Type.Integer({ minimum: 0 }),
  ignore_error: Type.Boolean(),
  /** Seconds that one attempt may take. */
  timeout: Type.Number({ minimum: 0 }),
  params: Type.Array(
    Type.Object({
      name: Type.String(),
      /** The value as text; of a secret its name. */
      value: Type.String(),
      secret: Type.Boolean(),
      source: ValueSource,
    }),
  ),
  actions: Type.Array(PlannedAction),
});

export const PlanWarning = Type.Object({
  code: Type.String(),
  text: Type.String(),
  /** What the text tells of, for clients that tell it in words of their own. */
  data: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Integer()]))),
});

/** A refusal that has not happened: `code` is one of `REFUSALS`. */
const PlannedRefusal = Type.Object({
  code: Type.String(),
  field: Type.Union([Type.String(), Type.Null()]),
  value: Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]),
  data: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Null()])),
});

/** What an operation would do now. */
export const Preview = Type.Object({
  /** Hash over all that it depends on: the operation does exactly this when it gets it as `if_plan`. */
  plan: Type.String(),
  /** Why the operation would be refused as things stand; null: it would not be. */
  refused: Type.Union([Type.String(), Type.Null()]),
  /** The same for programs; absent: a scheduler of an earlier release answers. */
  reason: Type.Optional(Type.Union([PlannedRefusal, Type.Null()])),
  template: Type.Object({ id: Id, name: Type.String() }),
  tasks: Type.Array(PlannedTask),
  nodes: Type.Object({
    count: Type.Integer({ minimum: 0 }),
    /** Of these, nodes that are still to be entered, without a row. */
    to_make: Type.Integer({ minimum: 0 }),
    rows: Type.Array(PlannedNode),
  }),
  left_out: Type.Object({ count: Type.Integer({ minimum: 0 }), rows: Type.Array(LeftOutNode) }),
  /** Most nodes that are worked on, and so out of service, at once. */
  at_once: Type.Integer({ minimum: 0 }),
  steps: Type.Array(PlannedStepRow),
  /** The node for which the scripts are rendered; null: it has none yet. */
  example: Type.Union([Type.Object({ node_id: Id, ip: Type.String() }), Type.Null()]),
  warnings: Type.Array(PlanWarning),
  /** From the last tasks of the template that completed; null: there are none. */
  duration: Type.Union([
    Type.Object({
      likely_ms: Type.Integer({ minimum: 0 }),
      least_ms: Type.Integer({ minimum: 0 }),
      most_ms: Type.Integer({ minimum: 0 }),
      task_ids: Type.Array(Id),
    }),
    Type.Null(),
  ]),
});
export type Preview = Static<typeof Preview>;

const TIMEOUT_MS = 30_000;

/** Each takes the request of its operation, is refused as that is, and records nothing. */
export const plans = {
  create: defineRpc('scheduler.plan.create', {
    request: requests.create,
    response: Preview,
    timeoutMs: TIMEOUT_MS,
  }),
  run: defineRpc('scheduler.plan.run', {
    request: requests.run,
    response: Preview,
    timeoutMs: TIMEOUT_MS,
  }),
  again: defineRpc('scheduler.plan.again', {
    request: requests.again,
    response: Preview,
    timeoutMs: TIMEOUT_MS,
  }),
  expand: defineRpc('scheduler.plan.expand', {
    request: requests.expand,
    response: Preview,
    timeoutMs: TIMEOUT_MS,
  }),
  shrink: defineRpc('scheduler.plan.shrink', {
    request: requests.shrink,
    response: Preview,
    timeoutMs: TIMEOUT_MS,
  }),
  deploy: defineRpc('scheduler.plan.deploy', {
    request: requests.deploy,
    response: Preview,
    timeoutMs: TIMEOUT_MS,
  }),
  start: defineRpc('scheduler.plan.start', {
    request: requests.start,
    response: Preview,
    timeoutMs: TIMEOUT_MS,
  }),
};
