import {
  type CalendarEntry,
  CalendarEntry as CalendarShape,
  CronItem,
  Id,
  inventory,
  LedgerDifference,
  LedgerSum,
  SchedulePreview,
  type ScheduleStanding,
  ScheduleStanding as StandingShape,
  schedules as scheduler,
} from '@rigel/contracts';
import { type Static, Type } from 'typebox';
import { done } from '../answer/envelope.js';
import type { TimeFormat } from '../answer/time-format.js';
import { defineEndpoint, type Endpoint, type Invocation } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import { idOf, STORE_LOST } from './common.js';
import { cursorParams, partOf, rowsOf } from './lists.js';
import { momentOf } from './moments.js';
import { definitionOf, definitionParams } from './schedules.js';

/*
 * The calendar over all scheduled tasks, the ledger of one, one moment that is left out, and what a save would do.
 */

const At = Type.String({ description: 'RFC 3339, UTC, with milliseconds.' });
const AtOrNull = Type.Union([At, Type.Null()]);
const Name = Type.String({ description: 'Empty: the pool was deleted.' });
const entry = CalendarShape.properties;
const standing = StandingShape.properties;
const preview = SchedulePreview.properties;

export const PlannedMomentRow = Type.Object({ due_at: At, item: CronItem });
export const CalendarRow = Type.Object({
  schedule_id: Id,
  pool_id: Id,
  pool_name: Name,
  type: entry.type,
  zone: entry.zone,
  due_at: At,
  cause: entry.cause,
  outcome: entry.outcome,
  left_out_by: Type.String({ description: 'Who left exactly this moment out; empty: nobody did.' }),
  reason: Type.String({ description: 'Why it was skipped or ignored, or what it waits for.' }),
  task_ids: Type.Array(Id),
  previous_task_ids: Type.Array(Id, { description: 'The tasks of the occurrence before it.' }),
  item: CronItem,
  recorded_at: AtOrNull,
});

const ExamplePool = Type.Object({
  pool_id: Id,
  pool_name: Name,
  nodes: Type.Integer(),
  depends_on: Type.Array(
    Type.Object({
      pool_id: Id,
      pool_name: Name,
      ratio: Type.Number(),
      elastic_count: Type.Integer(),
      step_name: Type.String(),
      ignore: Type.Boolean(),
    }),
  ),
});

const saved = standing.schedule.properties;
export const StandingRow = Type.Object({
  id: Id,
  pool_id: Id,
  pool_name: Name,
  type: saved.type,
  exec_type: saved.exec_type,
  time_zone: saved.time_zone,
  zone: Type.String({ description: 'The zone in which its times are read: time_zone, or the deployment’s.' }),
  cron_items: saved.cron_items,
  depend_items: saved.depend_items,
  version: Type.Integer({ description: 'For if_version of the next save; 0: not known.' }),
  updated_at: AtOrNull,
  updated_by: Type.String(),
  state: standing.state,
  reason: Type.String({ description: 'What the occurrence that waits or fires waits for.' }),
  next: Type.Union([PlannedMomentRow, Type.Null()]),
  left_out: Type.Array(Type.Object({ due_at: At, by: Type.String() })),
  last: Type.Union([
    Type.Object({
      due_at: At,
      outcome: entry.outcome,
      reason: Type.String(),
      task_ids: Type.Array(Id),
    }),
    Type.Null(),
  ]),
  example: Type.Array(ExamplePool, {
    description:
      'The pools that it changes, each after those that it depends on, for its largest item (or 20 nodes).',
  }),
});

export const LedgerSumRow = Type.Object({
  ...LedgerSum.properties,
  moments: Type.Integer({ description: 'due + saved + restarted.' }),
  balanced: Type.Boolean({ description: 'Each moment has exactly one outcome. It is never false.' }),
});
const DifferenceRow = Type.Object({
  due_at: At,
  cause: LedgerDifference.properties.cause,
  what: LedgerDifference.properties.what,
});

export const SchedulePreviewRow = Type.Object({
  version: Type.Union([Type.Integer(), Type.Null()], {
    description: 'The saved version that the differences are to; null: there is none. For if_version.',
  }),
  zone: preview.zone,
  moments: Type.Array(PlannedMomentRow, { description: 'The next 20 moments at which Rigel would act.' }),
  at_saving: Type.Union(
    [
      Type.Object({
        item: CronItem,
        pools: Type.Array(
          Type.Object({
            pool_id: Id,
            pool_name: Name,
            nodes: Type.Integer({ description: 'Nodes that schedules made, now.' }),
            target: Type.Integer(),
            plan: Type.Enum(['nothing', 'expand', 'shrink', 'wait']),
            missing: Type.Integer({ description: 'Nodes to be made.' }),
            again: Type.Integer({ description: 'Nodes to run again, because their last run failed.' }),
            surplus: Type.Integer({ description: 'Nodes to be given back.' }),
          }),
        ),
      }),
      Type.Null(),
    ],
    { description: 'What follows at once: the item in force. null: nothing.' },
  ),
  overlaps: Type.Array(
    Type.Object({
      schedule_id: Id,
      schedule_pool_id: Id,
      schedule_pool_name: Name,
      type: entry.type,
      pool_id: Id,
      pool_name: Name,
      due_at: At,
      own_due_at: At,
    }),
    {
      description: 'Moments of other scheduled tasks that change the same pool within an hour, 8 days ahead.',
    },
  ),
  clock_changes: Type.Array(
    Type.Object({
      at: At,
      offset_before: Type.Integer({ description: 'Minutes east of UTC.' }),
      offset_after: Type.Integer(),
      moments: Type.Array(
        Type.Object({
          time: Type.String(),
          week_day: Type.Integer(),
          due_at: At,
          what: Type.Enum(['does_not_exist', 'comes_twice']),
        }),
        {
          description: 'Items whose time does not exist on that day, or comes twice, and when they are due.',
        },
      ),
    }),
    { description: 'Changes of the zone’s clocks within a year.' },
  ),
  differences: preview.differences,
});

const From = Type.Optional(
  Type.String({
    description: 'The first moment that counts (RFC 3339). Absent or empty: 7 days before `to`.',
  }),
);
const To = (otherwise: string) =>
  Type.Optional(
    Type.String({
      description: `The first moment after the range, at most 100 days long. Absent or empty: ${otherwise}.`,
    }),
  );

const failures = {
  otherwise: failure(400, STORE_LOST, {}),
  invalid: failure(400, '', {}),
  parameter: failure(400, '', {}),
  not_found: exactFailure(404, 'schedule not found', {}),
};

const WEEK_MS = 7 * 86_400_000;

/** @throws WrongParameter */
function rangeOf(given: { from?: string; to?: string }, otherwise: number): { from: number; to: number } {
  const to = momentOf('to', given.to) ?? otherwise;
  return { from: momentOf('from', given.from) ?? Math.max(0, to - WEEK_MS), to };
}

/** The names of pools by id; a deleted one has an empty name. */
async function namesOf(ids: Iterable<number>, call: Invocation['call']): Promise<(id: number) => string> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return () => '';
  const { pools } = await call(inventory.poolNames, { ids: wanted });
  const names = new Map(pools.map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? '';
}

async function toCalendar(
  rows: readonly CalendarEntry[],
  { call, times }: Invocation,
): Promise<Static<typeof CalendarRow>[]> {
  const nameOf = await namesOf(
    rows.map(({ pool_id }) => pool_id),
    call,
  );
  return rows.map(({ due, updated, ...row }) => ({
    ...row,
    pool_name: nameOf(row.pool_id),
    due_at: times.rfc3339(due),
    recorded_at: updated === null ? null : times.rfc3339(updated),
  }));
}

function toStanding(
  { schedule, zone, state, reason, next, left_out, last, example }: ScheduleStanding,
  times: TimeFormat,
  nameOf: (id: number) => string,
): Static<typeof StandingRow> {
  const { version = 0, updated_at, updated_by = '', ...rest } = schedule;
  return {
    ...rest,
    pool_name: nameOf(schedule.pool_id),
    zone,
    version,
    updated_at: updated_at === undefined ? null : times.rfc3339(updated_at),
    updated_by,
    state,
    reason,
    next: next && { due_at: times.rfc3339(next.due), item: next.item },
    left_out: left_out.map(({ due, by }) => ({ due_at: times.rfc3339(due), by })),
    last: last && {
      due_at: times.rfc3339(last.due),
      outcome: last.outcome,
      reason: last.reason,
      task_ids: last.task_ids,
    },
    example: example.map(({ pool_id, nodes, depend_items }) => ({
      pool_id,
      pool_name: nameOf(pool_id),
      nodes,
      depends_on: depend_items.map(({ id: _, ...item }) => ({ ...item, pool_name: nameOf(item.pool_id) })),
    })),
  };
}

export const scheduleReads: Endpoint[] = [
  defineEndpoint({
    id: 'schedule.list',
    title: 'All scheduled tasks and how they stand',
    notes:
      'By id. state: idle, waiting or firing (reason: what for), or never (no item will be due, or it only follows other pools). ' +
      'next: the next moment at which Rigel acts; left_out: moments to come that operators left out.',
    methods: ['GET'],
    paths: ['/schedule/list'],
    access: 'read',
    params: Type.Object({ pool_id: Type.Optional(idOf('pool')), ...cursorParams }),
    failures,
    result: rowsOf(StandingRow),
    example: { rows: [], next: null },
    handler: async ({ pool_id, ...part }, { call, times }) => {
      const request = { ...partOf(part), ...(pool_id === undefined ? {} : { pool_id }) };
      const { rows, next } = await call(scheduler.list, request);
      const pools = rows.flatMap(({ schedule, example }) => [
        schedule.pool_id,
        ...example.flatMap(({ pool_id, depend_items }) => [
          pool_id,
          ...depend_items.map((item) => item.pool_id),
        ]),
      ]);
      const nameOf = await namesOf(pools, call);
      return done({ rows: rows.map((row) => toStanding(row, times, nameOf)), next });
    },
  }),
  defineEndpoint({
    id: 'schedule.calendar',
    title: 'What became of moments, and those to come, of all scheduled tasks',
    notes:
      'Oldest first. outcome: as in /schedule/:id/occurrences, and planned, or ignored (its item is ignored, or left_out_by left ' +
      'this moment out).',
    methods: ['GET'],
    paths: ['/schedule/calendar'],
    access: 'read',
    params: Type.Object({
      from: From,
      to: To('in 7 days'),
      pool_id: Type.Optional(idOf('pool')),
      type: Type.Optional(
        Type.Enum(['expand', 'upload'], { description: 'Only scheduled tasks of a type.' }),
      ),
      ...cursorParams,
    }),
    failures,
    result: rowsOf(CalendarRow),
    example: { rows: [], next: null },
    handler: async ({ pool_id, type, ...range }, invocation) => {
      const { rows, next } = await invocation.call(scheduler.calendar, {
        ...rangeOf(range, Date.now() + WEEK_MS),
        ...partOf(range),
        ...(pool_id === undefined ? {} : { pool_id }),
        ...(type === undefined ? {} : { type: type as 'expand' | 'upload' }),
      });
      return done({ rows: await toCalendar(rows, invocation), next });
    },
  }),
  defineEndpoint({
    id: 'schedule.ledger',
    title: 'The ledger of a scheduled task: whether each moment has its outcome',
    notes:
      'The moments that its items called for, computed from the items as they stood at each time, and the recorded outcomes. A moment ' +
      'without an outcome, or an outcome without a moment, is named in differences. rows: newest first.',
    methods: ['GET'],
    paths: ['/schedule/:id/ledger'],
    access: 'read',
    params: Type.Object({ id: idOf('scheduled task'), from: From, to: To('now'), ...cursorParams }),
    failures,
    result: Type.Object({
      from_at: At,
      to_at: At,
      sum: LedgerSumRow,
      differences: Type.Array(DifferenceRow, { description: 'The first 100.' }),
      difference_count: Type.Integer(),
      ...rowsOf(CalendarRow).properties,
    }),
    example: {
      from_at: '2026-11-01T00:00:00.000Z',
      to_at: '2026-12-01T00:00:00.000Z',
      sum: {
        due: 86,
        saved: 1,
        restarted: 0,
        moments: 87,
        fired: 78,
        caught_up: 3,
        nothing_to_do: 4,
        skipped: 2,
        ignored: 0,
        waiting: 0,
        firing: 0,
        not_noticed: 0,
        balanced: true,
      },
      differences: [],
      difference_count: 0,
      rows: [],
      next: null,
    },
    handler: async ({ id, ...given }, invocation) => {
      const range = rangeOf(given, Date.now());
      const { times } = invocation;
      const { sum, differences, difference_count, rows, next } = await invocation.call(scheduler.ledger, {
        id,
        ...range,
        ...partOf(given),
      });
      return done({
        from_at: times.rfc3339(range.from),
        to_at: times.rfc3339(range.to),
        sum: {
          ...sum,
          moments: sum.due + sum.saved + sum.restarted,
          balanced: difference_count === 0,
        },
        differences: differences.map(({ due, cause, what }) => ({ due_at: times.rfc3339(due), cause, what })),
        difference_count,
        rows: await toCalendar(rows, invocation),
        next,
      });
    },
  }),
  defineEndpoint({
    id: 'schedule.ignore_next',
    title: 'Leave one moment of a scheduled task out',
    notes:
      'Rigel passes over that moment, as if it had not been: its item is not applied at a restart or a save either. A moment that is left ' +
      'out already stays so. undo takes it back, as long as the moment has not come.',
    methods: ['POST'],
    paths: ['/schedule/:id/ignore_next'],
    access: 'write',
    role: 'operator',
    params: Type.Object({
      id: idOf('scheduled task'),
      due_at: Type.Optional(
        Type.String({
          description: 'The moment (RFC 3339), at most 366 days ahead; absent or empty: the next one.',
        }),
      ),
      undo: Type.Optional(Type.Boolean({ description: 'Take it back.' })),
    }),
    failures: { ...failures, wrong_state: failure(400, '', {}) },
    result: Type.Object({ due_at: At, left_out: Type.Boolean() }),
    example: { due_at: '2026-11-30T07:00:00.000Z', left_out: true },
    handler: async ({ id, due_at, undo = false }, { call, times, operator }) => {
      const due = momentOf('due_at', due_at);
      const answer = await call(scheduler.leaveOut, {
        id,
        undo,
        opr_user: operator,
        ...(due === undefined ? {} : { due }),
      });
      return done({ due_at: times.rfc3339(answer.due), left_out: answer.left_out });
    },
  }),
  defineEndpoint({
    id: 'task.save_task_preview',
    title: 'What saving a scheduled task would do',
    notes: 'The body of /task/saveTask. It refuses what a save would refuse, and changes nothing.',
    methods: ['POST'],
    paths: ['/task/saveTask/preview'],
    access: 'read',
    strict: true,
    body: 'medium',
    params: Type.Object(definitionParams),
    spellings: { cron_itmes: ['cron_items'], depend_itmes: ['depend_items'] },
    failures: {
      otherwise: failure(400, STORE_LOST, {}),
      invalid: failure(400, '', {}),
      parameter: failure(400, '', {}),
      not_found: failure(400, '', {}),
      conflict: failure(400, '', {}),
    },
    result: SchedulePreviewRow,
    example: {
      version: 7,
      zone: 'Europe/Berlin',
      moments: [],
      at_saving: null,
      overlaps: [],
      clock_changes: [],
      differences: { cron_items: [], depend_items: [] },
    },
    handler: async (input, { call, times }) => {
      const found = await call(scheduler.preview, definitionOf(input));
      const nameOf = await namesOf(
        [
          ...(found.at_saving?.pools.map(({ pool_id }) => pool_id) ?? []),
          ...found.overlaps.flatMap(({ pool_id, schedule_pool_id }) => [pool_id, schedule_pool_id]),
        ],
        call,
      );
      return done({
        ...found,
        moments: found.moments.map(({ due, item }) => ({ due_at: times.rfc3339(due), item })),
        at_saving: found.at_saving && {
          item: found.at_saving.item,
          pools: found.at_saving.pools.map((pool) => ({ ...pool, pool_name: nameOf(pool.pool_id) })),
        },
        overlaps: found.overlaps.map(({ due, own_due, ...overlap }) => ({
          ...overlap,
          pool_name: nameOf(overlap.pool_id),
          schedule_pool_name: nameOf(overlap.schedule_pool_id),
          due_at: times.rfc3339(due),
          own_due_at: times.rfc3339(own_due),
        })),
        clock_changes: found.clock_changes.map(({ at, moments, ...change }) => ({
          ...change,
          at: times.rfc3339(at),
          moments: moments.map(({ due, ...moment }) => ({ ...moment, due_at: times.rfc3339(due) })),
        })),
      });
    },
  }),
];
