import {
  type DependItem,
  type OccurrenceOutcome,
  type RpcRequest,
  type RpcResponse,
  type ScheduleStanding,
  ServiceError,
  type schedules,
} from '@rigel/contracts';
import { CompiledQuery, type Kysely } from 'kysely';
import type { ScheduleTable, Tables } from '../store/tables.js';
import { dueTimes } from './calendar.js';
import { type LastSaving, lastSavings, momentsLeftOut, withSaving } from './decisions.js';
import type { MomentLeftOut } from './events.js';
import { toSchedule } from './queries.js';
import { roundOf } from './round.js';

interface LastOccurrence {
  schedule_id: number;
  due: number;
  outcome: OccurrenceOutcome;
  reason: string;
  tasks: number[];
  /** The older one of at most two that have no outcome yet. */
  open: 'waiting' | 'firing' | null;
  waits_for: string | null;
}

/** For an example where no item says how many nodes. */
const EXAMPLE_NODES = 20;

/** Reads all scheduled tasks and how they stand. */
export class ScheduleStandings {
  private readonly raw: Kysely<unknown>;

  constructor(
    private readonly db: Kysely<Tables>,
    /** Time zone of schedules that name none. */
    private readonly zone: string,
    private readonly now: () => number,
  ) {
    this.raw = db as unknown as Kysely<unknown>;
  }

  async list({
    pool_id,
    limit,
    cursor,
  }: RpcRequest<typeof schedules.list>): Promise<RpcResponse<typeof schedules.list>> {
    let wanted = this.db.selectFrom('schedules').selectAll().where('id', '>', readCursor(cursor));
    if (pool_id !== undefined) wanted = wanted.where('pool_id', '=', pool_id);
    const found = await wanted
      .orderBy('id')
      .limit(limit + 1)
      .execute();
    const page = found.slice(0, limit);
    const ids = page.map(({ id }) => id);
    const now = this.now();
    const savings = await lastSavings(this.raw, ids);
    const leftOut = await momentsLeftOut(this.raw, ids, now);
    const last = await this.lastOccurrences(ids);
    const dependencies = await this.dependencies();
    const rows = page.map((row) =>
      this.standingOf(row, savings.get(row.id), leftOut.get(row.id) ?? [], last.get(row.id), dependencies),
    );
    const end = page.at(-1);
    return { rows, next: found.length > limit && end ? writeCursor(end.id) : null };
  }

  private standingOf(
    row: ScheduleTable,
    saving: LastSaving | undefined,
    leftOut: MomentLeftOut[],
    last: LastOccurrence | undefined,
    dependencies: ReadonlyMap<string, DependItem[]>,
  ): ScheduleStanding {
    const items = row.exec_type === 'crontab' ? row.cron_items.filter(({ ignore }) => !ignore) : [];
    const zone = row.time_zone || this.zone;
    const largest = Math.max(0, ...items.map((item) => item.instance_num));
    const example = roundOf(
      row.pool_id,
      largest || EXAMPLE_NODES,
      (pool) => dependencies.get(`${row.type} ${pool}`) ?? [],
    );
    return {
      schedule: withSaving(toSchedule(row), saving),
      zone,
      state: last?.open ?? (items.length > 0 ? 'idle' : 'never'),
      reason: last?.open ? (last.waits_for ?? '') : '',
      next: this.nextOf(items, zone, leftOut),
      left_out: leftOut.map(({ due, by }) => ({ due, by })),
      last: last ? { due: last.due, outcome: last.outcome, reason: last.reason, task_ids: last.tasks } : null,
      example: example.map(({ pool, target, dependencies: depend_items }) => ({
        pool_id: pool,
        nodes: target,
        depend_items,
      })),
    };
  }

  private nextOf(
    items: ScheduleTable['cron_items'],
    zone: string,
    leftOut: readonly MomentLeftOut[],
  ): ScheduleStanding['next'] {
    for (const moment of dueTimes(items, zone, this.now())) {
      if (!leftOut.some(({ due }) => due === moment.due)) return moment;
    }
    return null;
  }

  private async lastOccurrences(ids: readonly number[]): Promise<Map<number, LastOccurrence>> {
    const { rows } = await this.raw.executeQuery<LastOccurrence>(
      CompiledQuery.raw(
        `SELECT o.*, f.outcome AS open, w.waits_for FROM unnest($1::bigint[]) AS s(id)
           CROSS JOIN LATERAL (SELECT schedule_id, due, outcome, reason, tasks FROM schedule_occurrences
             WHERE schedule_id = s.id ORDER BY due DESC, cause DESC LIMIT 1) AS o
           LEFT JOIN LATERAL (SELECT cause, due, outcome FROM schedule_occurrences
             WHERE schedule_id = s.id AND outcome IN ('waiting', 'firing') ORDER BY due LIMIT 1) AS f ON true
           LEFT JOIN schedule_waits w ON w.schedule_id = s.id AND w.cause = f.cause AND w.due = f.due`,
        [ids],
      ),
    );
    return new Map(rows.map((row) => [row.schedule_id, row]));
  }

  /** The dependencies of each pool, by type and pool. */
  private async dependencies(): Promise<Map<string, DependItem[]>> {
    const rows = await this.db.selectFrom('schedules').select(['type', 'pool_id', 'depend_items']).execute();
    return new Map(rows.map(({ type, pool_id, depend_items }) => [`${type} ${pool_id}`, depend_items]));
  }
}

function writeCursor(id: number): string {
  return Buffer.from(`after ${id}`).toString('base64url');
}

function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const match = /^after (\d{1,16})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match) throw new ServiceError('other_list', 'cursor is not one that this list has answered', 'cursor');
  return Number(match[1]);
}
