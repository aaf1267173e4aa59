import { type Static, Type } from 'typebox';
import { AnyFields, listOf, Text } from './forms.js';
import { Id } from './paging.js';
import { Selection } from './selection.js';

/*
 * Requests that make or start tasks: an operation and its plan take the same.
 */

/** Whether the scheduler refuses values that no step uses, or keeps them and mentions them in the task's log. */
export const UnusedParams = Type.Union([Type.Literal('refuse'), Type.Literal('warn')]);
export type UnusedParams = Static<typeof UnusedParams>;

/** Nodes that another task holds: the operation is refused (also the default), or does without them. */
export const HeldNodes = Type.Union([Type.Literal('refuse'), Type.Literal('leave_out')]);
export type HeldNodes = Static<typeof HeldNodes>;

/** The hash of a plan, as its preview gave it. */
export const PlanHash = Type.String({ maxLength: 200, pattern: '^[0-9a-z.-]{1,200}$' });

/** The operation is refused unless it would do what this plan says. Absent: it does what it finds. */
const if_plan = Type.Optional(PlanHash);

/** The name of a protected pool, which a request that takes nodes of the pool out of service must repeat. */
const confirm = Type.Optional(Text);

/** Chooses the nodes when the request is carried out, in place of `nodes`, which is empty then. */
const select = Type.Optional(Selection);

const failures = {
  /** Failed nodes that the task tolerates before it halts; absent = no budget. */
  max_fail_num: Type.Optional(Type.Integer({ minimum: 0 })),
  /** The same in percent of the task's nodes. */
  max_fail_ratio: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
};

/** Why an operator pauses or stops, at most 500 characters; absent or blank: none is recorded. */
const reason = Type.Optional(Text);

/** The node runs that a start opens: these alone, or (`halted`) all but those that failed. */
export const ChosenRuns = Type.Union([
  Type.Array(Id, { minItems: 1, maxItems: 100_000 }),
  Type.Literal('halted'),
]);
export type ChosenRuns = Static<typeof ChosenRuns>;

/** Characters of a one-off script at most. */
export const MOST_SCRIPT = 65_536;

/**
 * What the tasks of one-off commands name as their template. No template has this id: the catalog counts its ids from 1.
 */
export const ONE_OFF_TEMPLATE = { id: Number.MAX_SAFE_INTEGER, name: 'one-off command' } as const;

export const isOneOff = ({ id }: { id: number }): boolean => id === ONE_OFF_TEMPLATE.id;

/** Nodes of an ended task that its repetition takes: those that failed, or all that did not succeed. Absent: all. */
export const OnlyNodes = Type.Enum(['failed', 'not_succeeded']);
export type OnlyNodes = Static<typeof OnlyNodes>;

const sizes = {
  /** Most nodes in a batch, in percent, 1 to 100. */
  max_ratio: Type.Integer({ minimum: 1, maximum: 100 }),
  /** Most nodes in a batch, 0 = no limit. */
  max_num: Type.Integer({ minimum: 0 }),
};

export const requests = {
  create: Type.Object({
    template_id: Id,
    task_name: Text,
    /** Minutes for the whole run, 0 = no limit. */
    timeout: Type.Integer({ minimum: 0, maximum: 525_600 }),
    /** Start at once. */
    auto: Type.Boolean(),
    ...sizes,
    ...failures,
    opr_user: Text,
    /** Addresses; repeated ones count once. Empty where `select` chooses the nodes. */
    nodes: listOf(Text),
    select,
    /** `{step: {param: value}}` for one step, `{param: value}` for every step that has the parameter. */
    params: AnyFields,
    /** For params that no step uses. `refuse` (also the default): `invalid`; `warn`: a line of the task's log. */
    unused_params: Type.Optional(UnusedParams),
    /**
     * Whether params may name any secret: the caller is an admin, who could change the template, or access is off.
     * Absent or false: only secrets that the template allows. Only the gateway may call this operation, and it knows
     * the caller's role.
     */
    any_secret: Type.Optional(Type.Boolean()),
    held_nodes: Type.Optional(HeldNodes),
    if_plan,
  }),
  /** A one-off command. Only the gateway may call this operation, and it knows who may. */
  run: Type.Object({
    /** At most `MOST_SCRIPT` characters; the first line may name an interpreter (`#!`). No part of it is a parameter. */
    script: Type.String({ maxLength: 4 * MOST_SCRIPT }),
    /** All nodes of this pool that have an address, or these addresses, or what is selected: one of the three. */
    pool_id: Type.Optional(Id),
    nodes: Type.Optional(listOf(Text)),
    select,
    /** Absent or blank: the first line of the script. */
    task_name: Type.Optional(Text),
    /** Minutes for the whole run, 0 = no limit. */
    timeout: Type.Integer({ minimum: 0, maximum: 525_600 }),
    /** Seconds that the script may take on a node; absent: the limit of remote steps. */
    step_timeout: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
    ...sizes,
    ...failures,
    opr_user: Text,
    held_nodes: Type.Optional(HeldNodes),
    if_plan,
  }),
  /** What an ended task did, as a new task. */
  again: Type.Object({
    id: Id,
    only: Type.Optional(OnlyNodes),
    /** Absent: as the ended task had them. */
    max_num: Type.Optional(Type.Integer({ minimum: 1 })),
    ...failures,
    opr_user: Text,
    /** As of `create`. */
    any_secret: Type.Optional(Type.Boolean()),
    /** Whether the caller may run one-off commands. */
    may_run: Type.Optional(Type.Boolean()),
    held_nodes: Type.Optional(HeldNodes),
    if_plan,
  }),
  expand: Type.Object({
    pool_id: Id,
    num: Type.Integer({ minimum: 1, maximum: 200 }),
    opr_user: Text,
    if_plan,
  }),
  shrink: Type.Object({ pool_id: Id, nodes: listOf(Text), select, confirm, opr_user: Text, if_plan }),
  deploy: Type.Object({
    pool_id: Id,
    tag: Text,
    max_num: Type.Integer({ minimum: 1 }),
    max_ratio: Type.Integer({ minimum: 1, maximum: 100 }),
    ...failures,
    confirm,
    opr_user: Text,
    held_nodes: Type.Optional(HeldNodes),
    if_plan,
  }),
  start: Type.Object({
    id: Id,
    opr_user: Text,
    /** Absent: all that have not succeeded. */
    runs: Type.Optional(ChosenRuns),
    /** A new budget, which counts the failures from here on. Absent: the task keeps its own. */
    ...failures,
    if_plan,
  }),
  pause: Type.Object({ id: Id, opr_user: Text, reason }),
  stop: Type.Object({ id: Id, opr_user: Text, reason, confirm }),
};
