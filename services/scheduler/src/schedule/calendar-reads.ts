import {
  type CalendarEntry,
  MAX_CALENDAR_MS,
  noSuch,
  type OccurrenceCause,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  type schedules,
} from '@rigel/contracts';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import type { OccurrenceTable, ScheduleTable, Tables } from '../store/tables.js';
import { dueTimes } from './calendar.js';
import { momentsLeftOut, savingsOf } from './decisions.js';
import type { MomentLeftOut } from './events.js';
import { isIgnored, type LedgerRow, ledgerOf, TooManyMoments } from './ledger.js';

/** Where a reader goes on: after this occurrence, or moment to come. */
interface Place {
  due: number;
  id: number;
  cause: OccurrenceCause;
}

type PastRow = OccurrenceTable & {
  pool_id: number;
  type: ScheduleTable['type'];
  time_zone: string;
  waits_for: string | null;
  previous: number[] | null;
};

/** The tasks of the occurrence before one, which it had to wait for. */
const PREVIOUS = `(SELECT p.tasks FROM schedule_occurrences p
  WHERE p.schedule_id = o.schedule_id AND p.due < o.due AND p.tasks <> '[]' ORDER BY p.due DESC LIMIT 1)`;
const PAST = `SELECT o.*, s.pool_id, s.type, s.time_zone, w.waits_for, ${PREVIOUS} AS previous
  FROM schedule_occurrences o JOIN schedules s ON s.id = o.schedule_id
    LEFT JOIN schedule_waits w ON w.schedule_id = o.schedule_id AND w.cause = o.cause AND w.due = o.due`;

/** Reads the calendar over all scheduled tasks, and the ledger of one. */
export class CalendarReads {
  constructor(
    private readonly db: Kysely<Tables>,
    /** Time zone of schedules that name none. */
    private readonly zone: string,
    private readonly now: () => number,
  ) {}

  /** Oldest first: what is recorded, and from then on what the items call for. */
  async calendar(
    request: RpcRequest<typeof schedules.calendar>,
  ): Promise<RpcResponse<typeof schedules.calendar>> {
    const { from, to, pool_id, type, limit, cursor } = request;
    assertRange(from, to);
    const after = readPlace(cursor);
    const rows = await this.snapshot(async (trx) => {
      const past = await this.past(trx, { from, to, pool_id, type, limit, after });
      const coming = await this.coming(trx, { from, to, pool_id, type, limit, after });
      return [...past, ...coming].sort(byPlace);
    });
    return page(rows, limit);
  }

  async ledger({
    id,
    from,
    to,
    limit,
    cursor,
  }: RpcRequest<typeof schedules.ledger>): Promise<RpcResponse<typeof schedules.ledger>> {
    assertRange(from, to);
    const before = readPlace(cursor);
    const { savings, all, settledUntil, rows, next } = await this.snapshot(async (trx) => {
      const raw = trx as unknown as Kysely<unknown>;
      const schedule = await trx.selectFrom('schedules').select('id').where('id', '=', id).executeTakeFirst();
      if (!schedule) throw noSuch('schedule', id, `there is no scheduled task ${id}`, 'id');
      const { rows } = await raw.executeQuery<PastRow>(
        CompiledQuery.raw(
          `${PAST} WHERE o.schedule_id = $1 AND o.due >= $2 AND o.due < $3 AND (o.due, o.cause) < ($4, $5)
           ORDER BY o.due DESC, o.cause DESC LIMIT $6`,
          [id, from, to, before?.due ?? to, before?.cause ?? '', limit + 1],
        ),
      );
      return {
        rows,
        savings: await savingsOf(raw, id, { from, to }),
        all: await ledgerRows(raw, id, from, to),
        settledUntil: await settledUntilOf(raw, id),
        next: await trx
          .selectFrom('schedule_occurrences')
          .select(['due', 'zone'])
          .where('schedule_id', '=', id)
          .where('cause', '=', 'due')
          .where('due', '>=', to)
          .orderBy('due')
          .limit(1)
          .executeTakeFirst(),
      };
    });
    try {
      const range = { from, to, now: this.now(), zone: this.zone, settledUntil, after: next };
      const { sum, differences, differenceCount } = await ledgerOf(savings, all, range);
      return {
        sum,
        differences,
        difference_count: differenceCount,
        ...page(
          rows.map((row) => this.entryOf(row)),
          limit,
        ),
      };
    } catch (error) {
      if (!(error instanceof TooManyMoments)) throw error;
      throw new ServiceError('range', 'the range has more than 20000 moments: choose a shorter one', 'from');
    }
  }

  /** One consistent state of the tables: what is recorded meanwhile must not look like a difference. */
  private snapshot<Result>(read: (trx: Transaction<Tables>) => Promise<Result>): Promise<Result> {
    return this.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(read);
  }

  private async past(trx: Transaction<Tables>, wanted: Wanted): Promise<CalendarEntry[]> {
    const { from, to, pool_id, type, limit, after } = wanted;
    const { rows } = await (trx as unknown as Kysely<unknown>).executeQuery<PastRow>(
      CompiledQuery.raw(
        `${PAST} WHERE o.due >= $1 AND o.due < $2 AND (o.due, o.schedule_id, o.cause) > ($3, $4, $5)
           AND ($6::bigint IS NULL OR s.pool_id = $6) AND ($7::text IS NULL OR s.type = $7)
         ORDER BY o.due, o.schedule_id, o.cause LIMIT $8`,
        [
          from,
          to,
          after?.due ?? from - 1,
          after?.id ?? 0,
          after?.cause ?? '',
          pool_id ?? null,
          type ?? null,
          limit + 1,
        ],
      ),
    );
    return rows.map((row) => this.entryOf(row));
  }

  /** Moments that no scheduler has noticed yet, most of them because they are to come. */
  private async coming(trx: Transaction<Tables>, wanted: Wanted): Promise<CalendarEntry[]> {
    const { to, pool_id, type, limit, after } = wanted;
    let tables = trx.selectFrom('schedules').selectAll().where('exec_type', '=', 'crontab');
    if (pool_id !== undefined) tables = tables.where('pool_id', '=', pool_id);
    if (type !== undefined) tables = tables.where('type', '=', type);
    const all = await tables.orderBy('id').execute();
    const raw = trx as unknown as Kysely<unknown>;
    const ids = all.map(({ id }) => id);
    const settled = await settledUntilOfAll(raw, ids);
    const leftOut = await momentsLeftOut(raw, ids, wanted.from - 1);
    const entries: CalendarEntry[] = [];
    for (const schedule of all) {
      const begin = Math.max(settled.get(schedule.id) ?? 0, wanted.from - 1, (after?.due ?? 0) - 1);
      // Each task's first ones are enough: those of the page are among them.
      let count = 0;
      for (const { due, item } of dueTimes(schedule.cron_items, schedule.time_zone || this.zone, begin)) {
        if (due >= to || count > limit) break;
        if (after && comparePlaces({ due, id: schedule.id, cause: 'due' }, after) <= 0) continue;
        count++;
        entries.push(this.comingEntry(schedule, { due, item }, leftOut.get(schedule.id) ?? []));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return entries;
  }

  private comingEntry(
    { id, pool_id, type, time_zone }: ScheduleTable,
    { due, item }: { due: number; item: CalendarEntry['item'] },
    leftOut: readonly MomentLeftOut[],
  ): CalendarEntry {
    const by = leftOut.find((moment) => moment.due === due)?.by;
    return {
      schedule_id: id,
      pool_id,
      type,
      zone: time_zone || this.zone,
      due,
      cause: 'due',
      outcome: item.ignore || by !== undefined ? 'ignored' : 'planned',
      left_out_by: by ?? '',
      reason: '',
      task_ids: [],
      previous_task_ids: [],
      item,
      updated: null,
    };
  }

  private entryOf(row: PastRow): CalendarEntry {
    const { schedule_id, pool_id, type, time_zone, due, cause, outcome, reason, tasks, item, updated_at } =
      row;
    const isOpen = outcome === 'waiting' || outcome === 'firing';
    return {
      schedule_id,
      pool_id,
      type,
      zone: time_zone || row.zone || this.zone,
      due,
      cause,
      outcome: isIgnored(reason) ? 'ignored' : outcome,
      left_out_by: '',
      reason: isOpen ? (row.waits_for ?? '') : reason,
      task_ids: tasks,
      previous_task_ids: row.previous ?? [],
      item,
      updated: updated_at,
    };
  }
}

interface Wanted {
  from: number;
  to: number;
  pool_id: number | undefined;
  type: ScheduleTable['type'] | undefined;
  limit: number;
  after: Place | undefined;
}

function assertRange(from: number, to: number): void {
  if (to <= from) throw new ServiceError('range', 'to must be after from', 'to');
  if (to - from <= MAX_CALENDAR_MS) return;
  throw new ServiceError('range', `from and to must lie within ${MAX_CALENDAR_MS / 86_400_000} days`, 'to');
}

async function ledgerRows(db: Kysely<unknown>, id: number, from: number, to: number): Promise<LedgerRow[]> {
  const { rows } = await db.executeQuery<LedgerRow>(
    CompiledQuery.raw(
      `SELECT due, cause, outcome, starts_with(reason, 'ignored:') AS "isIgnored", zone FROM schedule_occurrences
       WHERE schedule_id = $1 AND due >= $2 AND due < $3 ORDER BY due, cause`,
      [id, from, to],
    ),
  );
  return rows;
}

async function settledUntilOf(db: Kysely<unknown>, id: number): Promise<number> {
  return (await settledUntilOfAll(db, [id])).get(id) ?? 0;
}

/** Up to when the scheduler has noticed all moments: the last saving, or the last moment that it recorded. */
async function settledUntilOfAll(db: Kysely<unknown>, ids: readonly number[]): Promise<Map<number, number>> {
  const { rows } = await db.executeQuery<{ id: number; settled: number }>(
    CompiledQuery.raw(
      `SELECT s.id, greatest(
         coalesce((SELECT o.due FROM schedule_occurrences o WHERE o.schedule_id = s.id AND o.cause = 'due'
           ORDER BY o.due DESC LIMIT 1), 0),
         coalesce((SELECT (e.data->>'at')::bigint FROM events e WHERE e.stream = 'schedule-' || s.id
           AND e.type = 'ScheduleSaved' AND e.type IN ('ScheduleSaved', 'MomentLeftOut', 'MomentTakenBack')
           ORDER BY e.version DESC LIMIT 1), 0)) AS settled
       FROM unnest($1::bigint[]) AS s(id)`,
      [ids],
    ),
  );
  return new Map(rows.map(({ id, settled }) => [id, Number(settled)]));
}

function comparePlaces(a: Place, b: Place): number {
  return a.due - b.due || a.id - b.id || (a.cause < b.cause ? -1 : a.cause > b.cause ? 1 : 0);
}

const placeOf = ({ due, schedule_id, cause }: CalendarEntry): Place => ({ due, id: schedule_id, cause });
const byPlace = (a: CalendarEntry, b: CalendarEntry): number => comparePlaces(placeOf(a), placeOf(b));

/** The first rows, and the place after them when there are more. */
function page(rows: CalendarEntry[], limit: number): { rows: CalendarEntry[]; next: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { rows: shown, next: rows.length > limit && last ? writePlace(placeOf(last)) : null };
}

function writePlace({ due, id, cause }: Place): string {
  return Buffer.from(`${due} ${id} ${cause}`).toString('base64url');
}

function readPlace(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined;
  const match = /^(\d{1,16}) (\d{1,16}) (due|saved|restarted)$/.exec(
    Buffer.from(cursor, 'base64url').toString(),
  );
  if (!match) throw new ServiceError('other_list', 'cursor is not one that this list has answered', 'cursor');
  return { due: Number(match[1]), id: Number(match[2]), cause: match[3] as OccurrenceCause };
}
