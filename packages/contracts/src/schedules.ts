import { type Static, Type } from 'typebox';
import { listOf, Text } from './forms.js';
import { Done, Id, pageFields, pageOf } from './paging.js';
import { defineRpc } from './rpc.js';

/*
 * Operations on scheduled tasks, answered by the scheduler. A pool has at most one of each type.
 */

/** Most items of each kind that a scheduled task may have. */
export const MAX_SCHEDULE_ITEMS = 500;

/** What a scheduled task does: `expand` sets the number of nodes that schedules made, `upload` deploys the image. */
export const ScheduleType = Type.Union([Type.Literal('expand'), Type.Literal('upload')]);
export type ScheduleType = Static<typeof ScheduleType>;

/** `crontab`: fires by its cron items. `depend`: keeps its dependencies only, and never fires by itself. */
export const ExecType = Type.Union([Type.Literal('crontab'), Type.Literal('depend')]);
export type ExecType = Static<typeof ExecType>;

const cronFields = {
  /** 0 = every day, 1 = Sunday, 2 = Monday … 7 = Saturday. */
  week_day: Type.Integer({ minimum: 0, maximum: 7 }),
  /** `HH:mm` or `HH:mm:ss`, in the time zone of the scheduled task. */
  time: Text,
  /** For expand: nodes made by schedules that the pool has from then on. */
  instance_num: Type.Integer({ minimum: 0, maximum: 200 }),
  /** For upload: percent of the nodes in a batch, 0 = all. */
  concurr_ratio: Type.Integer({ minimum: 0, maximum: 100 }),
  /** For upload: most nodes in a batch, 0 = no limit. */
  concurr_num: Type.Integer({ minimum: 0 }),
  /** Kept, and never fires. */
  ignore: Type.Boolean(),
};

const dependFields = {
  /** Pool that is changed first. */
  pool_id: Id,
  /** Its nodes for each node of the pool that depends on it. */
  ratio: Type.Number({ minimum: 0, maximum: 1_000 }),
  /** Its nodes beyond that. */
  elastic_count: Type.Integer({ minimum: 0, maximum: 1_000 }),
  /** Step of its template that its nodes must have passed. */
  step_name: Text,
  ignore: Type.Boolean(),
};

export const CronItemInput = Type.Object(cronFields);
export type CronItemInput = Static<typeof CronItemInput>;
export const DependItemInput = Type.Object(dependFields);
export type DependItemInput = Static<typeof DependItemInput>;

/** Ids of items are unique in their scheduled task and given anew with every saving. */
export const CronItem = Type.Object({ id: Id, ...cronFields });
export type CronItem = Static<typeof CronItem>;
export const DependItem = Type.Object({ id: Id, ...dependFields });
export type DependItem = Static<typeof DependItem>;

export const Schedule = Type.Object({
  id: Id,
  pool_id: Id,
  type: ScheduleType,
  exec_type: ExecType,
  /** IANA time zone of its own; empty: the deployment's. */
  time_zone: Type.String(),
  cron_items: Type.Array(CronItem),
  depend_items: Type.Array(DependItem),
});
export type Schedule = Static<typeof Schedule>;

/**
 * Why a scheduled task was to act: a moment of its cron items, its saving, or a scheduler that took it over. The last two
 * apply the item in force, the one whose last moment is the latest.
 */
export const OccurrenceCause = Type.Union([
  Type.Literal('due'),
  Type.Literal('saved'),
  Type.Literal('restarted'),
]);
export type OccurrenceCause = Static<typeof OccurrenceCause>;

/**
 * What became of it. `waiting` and `firing` are not the end yet.
 * - `fired`: tasks were made
 * - `caught_up`: the same, later than it was due
 * - `nothing_to_do`: the pool was as the item wants it
 * - `skipped`: no task was made, the reason says why
 */
export const OccurrenceOutcome = Type.Union([
  Type.Literal('waiting'),
  Type.Literal('firing'),
  Type.Literal('fired'),
  Type.Literal('caught_up'),
  Type.Literal('nothing_to_do'),
  Type.Literal('skipped'),
]);
export type OccurrenceOutcome = Static<typeof OccurrenceOutcome>;

export const Occurrence = Type.Object({
  /** When it was due, in milliseconds since 1970. */
  due: Type.Integer(),
  cause: OccurrenceCause,
  outcome: OccurrenceOutcome,
  /**
   * Why it was skipped: `overlap`, `ignored`, `paused` or `missed`, or what refused it; then what follows from that. Before its
   * end: what it waits for.
   */
  reason: Type.String(),
  task_ids: Type.Array(Id),
  item: CronItem,
  /** When that was recorded. */
  updated: Type.Integer(),
});
export type Occurrence = Static<typeof Occurrence>;

export const schedules = {
  /**
   * Saves a scheduled task whole; what was saved before is replaced. `id` 0: the one that the pool has of the type, else a
   * new one. `invalid` names the field, `not_found` the task, a pool or a step, `conflict` what stands against a dependency.
   */
  save: defineRpc('scheduler.schedule.save', {
    request: Type.Object({
      id: Type.Integer({ minimum: 0 }),
      pool_id: Id,
      type: ScheduleType,
      exec_type: ExecType,
      time_zone: Text,
      cron_items: Type.Array(CronItemInput, { maxItems: MAX_SCHEDULE_ITEMS }),
      depend_items: Type.Array(DependItemInput, { maxItems: MAX_SCHEDULE_ITEMS }),
      opr_user: Text,
    }),
    response: Type.Object({ id: Id }),
    timeoutMs: 15_000,
    keyed: true,
  }),
  /** The pool's scheduled task of a type; null when it has none. */
  find: defineRpc('scheduler.schedule.find', {
    request: Type.Object({ pool_id: Id, type: ScheduleType }),
    response: Type.Object({ schedule: Type.Union([Schedule, Type.Null()]) }),
  }),
  /** What became of its moments, newest first, and its next ones. `not_found`: there is no such scheduled task. */
  occurrences: defineRpc('scheduler.schedule.occurrences', {
    request: Type.Object({ id: Id, ...pageFields }),
    response: Type.Object({
      ...pageOf(Occurrence).properties,
      /** Moments to come, soonest first. */
      next: Type.Array(Type.Object({ due: Type.Integer(), item: CronItem })),
    }),
  }),
  /** Which of these pools another pool's scheduled task depends on, and which have cron items. */
  flags: defineRpc('scheduler.schedule.flags', {
    request: Type.Object({ pool_ids: listOf(Id) }),
    response: Type.Object({ depended_on: Type.Array(Id), with_cron: Type.Array(Id) }),
  }),
  /**
   * Keeps scheduled tasks from coming to need a pool that is about to be deleted; `conflict` says which one needs it. The
   * reservation ends by itself after `ttl_ms`.
   */
  reservePool: defineRpc('scheduler.schedule.reserve_pool', {
    request: Type.Object({ pool_id: Id, ttl_ms: Type.Integer({ minimum: 1_000, maximum: 60_000 }) }),
    response: Done,
  }),
};
