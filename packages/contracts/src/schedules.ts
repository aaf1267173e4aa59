import { type Static, Type } from 'typebox';
import { listOf, Text } from './forms.js';
import { Done, Id, pageFields, pageOf } from './paging.js';
import { defineRpc } from './rpc.js';

/*
 * Operations on scheduled tasks; the scheduler answers them. A pool has at most one scheduled task of each type.
 */

/** The most items of each kind in a scheduled task. */
export const MAX_SCHEDULE_ITEMS = 500;

/** `expand` sets the number of nodes that schedules make; `upload` deploys the image. */
export const ScheduleType = Type.Union([Type.Literal('expand'), Type.Literal('upload')]);
export type ScheduleType = Static<typeof ScheduleType>;

/** `crontab`: fires at the due times of its cron items. `depend`: has dependencies only, and never fires. */
export const ExecType = Type.Union([Type.Literal('crontab'), Type.Literal('depend')]);
export type ExecType = Static<typeof ExecType>;

const cronFields = {
  /** 0 = every day, 1 = Sunday, 2 = Monday … 7 = Saturday. */
  week_day: Type.Integer({ minimum: 0, maximum: 7 }),
  /** `HH:mm` or `HH:mm:ss`, in the time zone of the scheduled task. */
  time: Text,
  /** For expand: number of nodes made by schedules that the pool has from then on. */
  instance_num: Type.Integer({ minimum: 0, maximum: 200 }),
  /** For upload: percent of the nodes in a batch, 0 = all. */
  concurr_ratio: Type.Integer({ minimum: 0, maximum: 100 }),
  /** For upload: most nodes in a batch, 0 = no limit. */
  concurr_num: Type.Integer({ minimum: 0 }),
  /** The item is kept but never fires. */
  ignore: Type.Boolean(),
};

const dependFields = {
  /** The pool that has to change first. */
  pool_id: Id,
  /** Number of its nodes for each node of the dependent pool. */
  ratio: Type.Number({ minimum: 0, maximum: 1_000 }),
  /** Number of its nodes beyond that. */
  elastic_count: Type.Integer({ minimum: 0, maximum: 1_000 }),
  /** The step of its template that its nodes must have passed. */
  step_name: Text,
  ignore: Type.Boolean(),
};

export const CronItemInput = Type.Object(cronFields);
export type CronItemInput = Static<typeof CronItemInput>;
export const DependItemInput = Type.Object(dependFields);
export type DependItemInput = Static<typeof DependItemInput>;

/** Ids of items are unique within their scheduled task, and new with each save. */
export const CronItem = Type.Object({ id: Id, ...cronFields });
export type CronItem = Static<typeof CronItem>;
export const DependItem = Type.Object({ id: Id, ...dependFields });
export type DependItem = Static<typeof DependItem>;

export const Schedule = Type.Object({
  id: Id,
  pool_id: Id,
  type: ScheduleType,
  exec_type: ExecType,
  /** Its own IANA time zone; empty: RIGEL_TIME_ZONE. */
  time_zone: Type.String(),
  cron_items: Type.Array(CronItem),
  depend_items: Type.Array(DependItem),
});
export type Schedule = Static<typeof Schedule>;

/**
 * Why a scheduled task had to act: a due time of its cron items, a save, or a scheduler that took it over. The last two
 * apply the item in force: the one with the latest due time in the past.
 */
export const OccurrenceCause = Type.Union([
  Type.Literal('due'),
  Type.Literal('saved'),
  Type.Literal('restarted'),
]);
export type OccurrenceCause = Static<typeof OccurrenceCause>;

/**
 * The outcome of an occurrence. `waiting` and `firing` are not final.
 * - `fired`: tasks were created
 * - `caught_up`: tasks were created, later than they were due
 * - `nothing_to_do`: the pool was already as the item demands
 * - `skipped`: no task was created; the reason says why
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
  /** Due time, in milliseconds since 1970. */
  due: Type.Integer(),
  cause: OccurrenceCause,
  outcome: OccurrenceOutcome,
  /**
   * Why it was skipped: `overlap`, `ignored`, `paused`, `missed` or the refusal, and then the consequence. While it is
   * not final: what it waits for.
   */
  reason: Type.String(),
  task_ids: Type.Array(Id),
  item: CronItem,
  /** When the outcome was recorded. */
  updated: Type.Integer(),
});
export type Occurrence = Static<typeof Occurrence>;

export const schedules = {
  /**
   * Saves a whole scheduled task and replaces its earlier form. `id` 0: the pool's scheduled task of this type, or a
   * new one. `invalid` names the field, `not_found` the task, a pool or a step, `conflict` the obstacle to a
   * dependency.
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
  /** The pool's scheduled task of a type; null: it has none. */
  find: defineRpc('scheduler.schedule.find', {
    request: Type.Object({ pool_id: Id, type: ScheduleType }),
    response: Type.Object({ schedule: Type.Union([Schedule, Type.Null()]) }),
  }),
  /** Its occurrences, newest first, and its next due times. `not_found`: no such scheduled task. */
  occurrences: defineRpc('scheduler.schedule.occurrences', {
    request: Type.Object({ id: Id, ...pageFields }),
    response: Type.Object({
      ...pageOf(Occurrence).properties,
      /** Next due times, soonest first. */
      next: Type.Array(Type.Object({ due: Type.Integer(), item: CronItem })),
    }),
  }),
  /** Those of these pools on which a scheduled task of another pool depends, and those that have cron items. */
  flags: defineRpc('scheduler.schedule.flags', {
    request: Type.Object({ pool_ids: listOf(Id) }),
    response: Type.Object({ depended_on: Type.Array(Id), with_cron: Type.Array(Id) }),
  }),
  /**
   * Reserves a pool that the inventory is about to delete: no scheduled task may begin to need it. `conflict` names the
   * scheduled task that needs it already. The reservation ends after `ttl_ms`.
   */
  reservePool: defineRpc('scheduler.schedule.reserve_pool', {
    request: Type.Object({ pool_id: Id, ttl_ms: Type.Integer({ minimum: 1_000, maximum: 60_000 }) }),
    response: Done,
  }),
};
