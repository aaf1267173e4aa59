import { type Static, Type } from 'typebox';
import { Id } from './paging.js';
import { PlannedAction, PlannedStepRow } from './plans.js';
import { defineRpc } from './rpc.js';
import { Selection } from './selection.js';

/*
 * The plan that a task was recorded with, as people read it, and what its template would give today. The task keeps its plan whatever
 * happens to the catalog.
 */

/** Places of parameters in the text of one action that are listed. */
export const MOST_PLACES = 200;
/** Differences that are listed; all are counted. */
export const MOST_DIFFERENCES = 200;

/** One use of a parameter by the text of an action. */
export const ParameterPlace = Type.Object({
  name: Type.String(),
  line: Type.Integer({ minimum: 1 }),
  column: Type.Integer({ minimum: 1 }),
  context: Type.Enum(['bare', 'single', 'double', 'heredoc', 'arithmetic', 'verbatim']),
  /** Only an integer may stand there. */
  integer: Type.Boolean(),
  /** The value runs as code. */
  raw: Type.Boolean(),
});

export const RecordedAction = Type.Object({
  ...PlannedAction.properties,
  /** The text before the values are in their places. */
  text: Type.String(),
  /** Up to `MOST_PLACES`. */
  places: Type.Array(ParameterPlace),
});

const { params } = PlannedStepRow.properties;
const { source: _, ...param } = params.items.properties;

export const RecordedStep = Type.Object({
  ...PlannedStepRow.properties,
  /** Without `source` where that was not recorded, by an earlier release. */
  params: Type.Array(Type.Object({ ...param, source: Type.Optional(params.items.properties.source) })),
  actions: Type.Array(RecordedAction),
});
export type RecordedStep = Static<typeof RecordedStep>;

/**
 * What a difference is about. Of a step: it is there on one side alone (`step`), or at another place (`place`), an option of it
 * (`retry_times`, `ignore_error`, `timeout`, `stop_grace`, `reboot`, `ready_wait`), or the template's value of a parameter (`value`,
 * `name` is the parameter). Of an action (`name` is the action): it is there on one side alone (`action`), what it runs (`script`, or
 * `module`), or the types of its parameters (`types`). `order`: the actions of the step come in another order.
 */
export const DIFFERENCE_KINDS = [
  'step',
  'place',
  'retry_times',
  'ignore_error',
  'timeout',
  'stop_grace',
  'reboot',
  'ready_wait',
  'value',
  'action',
  'order',
  'script',
  'module',
  'types',
] as const;

export const PlanDifference = Type.Object({
  kind: Type.Enum([...DIFFERENCE_KINDS]),
  step: Type.String(),
  /** Its place in the task, and in the template now, from 1; null: it is not there. */
  step_num: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
  step_num_now: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
  /** The parameter or action; empty: the step itself. */
  name: Type.String(),
  /** As text, of a secret its name; null: it is not there, or the default holds. */
  recorded: Type.Union([Type.String(), Type.Null()]),
  now: Type.Union([Type.String(), Type.Null()]),
});
export type PlanDifference = Static<typeof PlanDifference>;

export const RecordedPlan = Type.Object({
  template: Type.Object({ id: Id, name: Type.String() }),
  /** What chose its nodes; null: they were named, or the operation took those of its pool. Absent: a scheduler of an earlier release. */
  select: Type.Optional(Type.Union([Selection, Type.Null()])),
  steps: Type.Array(RecordedStep),
  catalog: Type.Object({
    /**
     * `deleted`: the template is not there any more; `unusable`: no task could be made of it now; `unknown`: the catalog did not
     * answer.
     */
    state: Type.Enum(['same', 'changed', 'deleted', 'unusable', 'unknown']),
    /** Why, of the last two. */
    reason: Type.String(),
    /** Its name now; empty: not known. */
    name: Type.String(),
    /** False: the task does not tell values of the template from others, so values are not compared. */
    values: Type.Boolean(),
    differences: Type.Array(PlanDifference),
    total: Type.Integer({ minimum: 0 }),
  }),
});
export type RecordedPlan = Static<typeof RecordedPlan>;

/** `not_found`: no such task. It waits for the catalog as long as that may take, and answers without it then. */
export const recordedPlan = defineRpc('scheduler.task.plan', {
  request: Type.Object({ id: Id }),
  response: RecordedPlan,
  timeoutMs: 10_000,
});
