import { type Static, type TSchema, Type } from 'typebox';
import { listOf, Text, Word } from './forms.js';
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
  /** Grows with every save; a save that names another one in `if_version` is refused. */
  version: Type.Optional(Type.Integer({ minimum: 1 })),
  /** When it was saved last, in milliseconds since 1970. */
  updated_at: Type.Optional(Type.Integer()),
  updated_by: Type.Optional(Type.String()),
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

/** A moment of a scheduled task to come, with the item that is due. */
const PlannedMoment = Type.Object({ due: Type.Integer(), item: CronItem });

/** What an occurrence or a moment to come is, in a calendar of several scheduled tasks. */
export const CalendarEntry = Type.Object({
  schedule_id: Id,
  pool_id: Id,
  type: ScheduleType,
  /** The zone in which its times are read. */
  zone: Type.String(),
  due: Type.Integer(),
  cause: OccurrenceCause,
  /** `planned`: to come; `ignored`: its item is ignored, or an operator left this moment out. */
  outcome: Type.Union([...OccurrenceOutcome.anyOf, Type.Literal('ignored'), Type.Literal('planned')]),
  /** An operator left exactly this moment out. */
  left_out_by: Type.String(),
  reason: Type.String(),
  task_ids: Type.Array(Id),
  /** The tasks of the occurrence before it, which it had to wait for. */
  previous_task_ids: Type.Array(Id),
  item: CronItem,
  /** When the outcome was recorded; null for moments to come. */
  updated: Type.Union([Type.Integer(), Type.Null()]),
});
export type CalendarEntry = Static<typeof CalendarEntry>;

/** A pool that a scheduled task changes, for a number of nodes of the task's own pool. */
const PoolOfExample = Type.Object({
  pool_id: Id,
  nodes: Type.Integer(),
  depend_items: Type.Array(DependItem),
});

/** A scheduled task and how it stands. */
export const ScheduleStanding = Type.Object({
  schedule: Schedule,
  /** The zone in which its times are read. */
  zone: Type.String(),
  /** `never`: no item will be due, or it only follows other pools. */
  state: Type.Union([
    Type.Literal('idle'),
    Type.Literal('waiting'),
    Type.Literal('firing'),
    Type.Literal('never'),
  ]),
  /** What the occurrence that waits or fires waits for. */
  reason: Type.String(),
  /** The next moment at which the scheduler acts. */
  next: Type.Union([PlannedMoment, Type.Null()]),
  /** Moments to come that operators left out. */
  left_out: Type.Array(Type.Object({ due: Type.Integer(), by: Type.String() })),
  last: Type.Union([
    Type.Object({
      due: Type.Integer(),
      outcome: OccurrenceOutcome,
      reason: Type.String(),
      task_ids: Type.Array(Id),
    }),
    Type.Null(),
  ]),
  /** The pools that it changes, each after those that it depends on, with the numbers for its largest item. */
  example: Type.Array(PoolOfExample),
});
export type ScheduleStanding = Static<typeof ScheduleStanding>;

const Count = Type.Integer({ minimum: 0 });

/**
 * The ledger of a time: `due` moments of the items and `saved` ones (a save applied the item in force) were called for by the
 * items as they stood then; each has exactly one of the outcomes. `restarted` ones come from schedulers that took over.
 */
export const LedgerSum = Type.Object({
  due: Count,
  saved: Count,
  restarted: Count,
  fired: Count,
  caught_up: Count,
  nothing_to_do: Count,
  skipped: Count,
  ignored: Count,
  waiting: Count,
  firing: Count,
  /** They are due, and no scheduler has noticed them yet. */
  not_noticed: Count,
});
export type LedgerSum = Static<typeof LedgerSum>;

/** A moment without an outcome, or an outcome without a moment: neither may ever be. */
export const LedgerDifference = Type.Object({
  due: Type.Integer(),
  cause: OccurrenceCause,
  what: Type.Union([Type.Literal('no_outcome'), Type.Literal('no_moment')]),
});
export type LedgerDifference = Static<typeof LedgerDifference>;

/** Rows of one answer at most. */
export const MAX_CALENDAR_ROWS = 1_000;
/** The longest range of a calendar or a ledger. */
export const MAX_CALENDAR_MS = 100 * 86_400_000;

const rangeFields = {
  /** Milliseconds since 1970; the first moment that counts. */
  from: Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 }),
  /** The first moment that does not count any more. */
  to: Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 }),
};
const cursorFields = {
  limit: Type.Integer({ minimum: 1, maximum: MAX_CALENDAR_ROWS }),
  cursor: Type.Optional(Word),
};
const Next = Type.Union([Type.String(), Type.Null()]);

const definitionFields = {
  id: Type.Integer({ minimum: 0 }),
  pool_id: Id,
  type: ScheduleType,
  exec_type: ExecType,
  time_zone: Text,
  cron_items: Type.Array(CronItemInput, { maxItems: MAX_SCHEDULE_ITEMS }),
  depend_items: Type.Array(DependItemInput, { maxItems: MAX_SCHEDULE_ITEMS }),
};

const changeOf = <Value extends TSchema>(value: Value) =>
  Type.Object({
    before: Type.Union([value, Type.Null()]),
    after: Type.Union([value, Type.Null()]),
  });

/** What saving a scheduled task would do. */
export const SchedulePreview = Type.Object({
  /** The saved version that the differences are to; null: there is none. */
  version: Type.Union([Type.Integer(), Type.Null()]),
  zone: Type.String(),
  /** The next moments at which the scheduler would act. */
  moments: Type.Array(PlannedMoment),
  /** What follows at once: the item in force, and how many nodes each pool has and is to have. Null: nothing. */
  at_saving: Type.Union([
    Type.Object({
      item: CronItem,
      pools: Type.Array(
        Type.Object({
          pool_id: Id,
          /** Nodes that schedules made, now. */
          nodes: Count,
          target: Count,
          plan: Type.Union([
            Type.Literal('nothing'),
            Type.Literal('expand'),
            Type.Literal('shrink'),
            Type.Literal('wait'),
          ]),
          /** Nodes to be made, or to run again, or to go. */
          missing: Count,
          again: Count,
          surplus: Count,
        }),
      ),
    }),
    Type.Null(),
  ]),
  /** Moments of other scheduled tasks that change one of the same pools within an hour of one of these. */
  overlaps: Type.Array(
    Type.Object({
      schedule_id: Id,
      schedule_pool_id: Id,
      type: ScheduleType,
      pool_id: Id,
      due: Type.Integer(),
      own_due: Type.Integer(),
    }),
  ),
  /** Changes of the clocks within a year, with the items whose times they leave out or bring twice. */
  clock_changes: Type.Array(
    Type.Object({
      at: Type.Integer(),
      /** Minutes east of UTC before and after. */
      offset_before: Type.Integer(),
      offset_after: Type.Integer(),
      moments: Type.Array(
        Type.Object({
          time: Type.String(),
          week_day: Type.Integer(),
          due: Type.Integer(),
          what: Type.Union([Type.Literal('does_not_exist'), Type.Literal('comes_twice')]),
        }),
      ),
    }),
  ),
  differences: Type.Object({
    time_zone: Type.Optional(changeOf(Type.String())),
    exec_type: Type.Optional(changeOf(ExecType)),
    cron_items: Type.Array(changeOf(CronItemInput)),
    depend_items: Type.Array(changeOf(DependItemInput)),
  }),
});
export type SchedulePreview = Static<typeof SchedulePreview>;

export const schedules = {
  /**
   * Saves a whole scheduled task and replaces its earlier form. `id` 0: the pool's scheduled task of this type, or a
   * new one. `invalid` names the field, `not_found` the task, a pool or a step, `conflict` the obstacle to a
   * dependency.
   */
  save: defineRpc('scheduler.schedule.save', {
    request: Type.Object({
      ...definitionFields,
      opr_user: Text,
      /** The saved version that the client has seen; 0: none. `conflict` (field `if_version`) names who has saved since. */
      if_version: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647 })),
    }),
    response: Type.Object({ id: Id }),
    timeoutMs: 15_000,
    keyed: true,
  }),
  /** What `save` would do; checks and refuses what `save` refuses, and changes nothing. */
  preview: defineRpc('scheduler.schedule.preview', {
    request: Type.Object(definitionFields),
    response: SchedulePreview,
    timeoutMs: 15_000,
  }),
  /**
   * Leaves one moment to come out, or takes that back; what is so already stays so. Without `due`: the next moment.
   * `not_found`: no such scheduled task, `invalid` (field `due_at`): no item is due then, `wrong_state`: it has passed.
   */
  leaveOut: defineRpc('scheduler.schedule.leave_out', {
    request: Type.Object({
      id: Id,
      due: Type.Optional(rangeFields.from),
      undo: Type.Boolean(),
      opr_user: Text,
    }),
    response: Type.Object({ due: Type.Integer(), left_out: Type.Boolean() }),
  }),
  /** All scheduled tasks and how they stand, by id. */
  list: defineRpc('scheduler.schedule.list', {
    request: Type.Object({ pool_id: Type.Optional(Id), ...cursorFields }),
    response: Type.Object({ rows: Type.Array(ScheduleStanding), next: Next }),
  }),
  /** What became of moments, and those to come, of all scheduled tasks, oldest first. `invalid`: the range is too long. */
  calendar: defineRpc('scheduler.schedule.calendar', {
    request: Type.Object({
      ...rangeFields,
      ...cursorFields,
      pool_id: Type.Optional(Id),
      type: Type.Optional(ScheduleType),
    }),
    response: Type.Object({ rows: Type.Array(CalendarEntry), next: Next }),
  }),
  /** The sum over a range, and its occurrences, newest first. `not_found`; `invalid`: the range is too long. */
  ledger: defineRpc('scheduler.schedule.ledger', {
    request: Type.Object({ id: Id, ...rangeFields, ...cursorFields }),
    response: Type.Object({
      sum: LedgerSum,
      /** The first ones. */
      differences: Type.Array(LedgerDifference),
      difference_count: Count,
      rows: Type.Array(CalendarEntry),
      next: Next,
    }),
    timeoutMs: 15_000,
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
