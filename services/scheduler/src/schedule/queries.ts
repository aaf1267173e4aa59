import {
  checkExportSize,
  type fleetExport,
  MAX_EXPORTED,
  noSuch,
  type OccurrenceOutcome,
  type RpcRequest,
  type RpcResponse,
  type Schedule,
  type schedules,
} from '@rigel/contracts';
import { offsetOf } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import type { ScheduleTable, Tables } from '../store/tables.js';
import { nextDueTime } from './calendar.js';
import { lastSavings, withSaving } from './decisions.js';

/** Due times to come that an answer names. */
const NEXT = 10;

/** Reads scheduled tasks and what became of their occurrences. */
export class ScheduleQueries {
  constructor(
    private readonly db: Kysely<Tables>,
    /** Time zone of schedules that name none. */
    private readonly zone: string,
    private readonly now: () => number,
  ) {}

  async find({
    pool_id,
    type,
  }: RpcRequest<typeof schedules.find>): Promise<RpcResponse<typeof schedules.find>> {
    const row = await this.db
      .selectFrom('schedules')
      .selectAll()
      .where('pool_id', '=', pool_id)
      .where('type', '=', type)
      .executeTakeFirst();
    if (!row) return { schedule: null };
    const savings = await lastSavings(this.db as unknown as Kysely<unknown>, [row.id]);
    return { schedule: withSaving(toSchedule(row), savings.get(row.id)) };
  }

  /** All scheduled tasks in one snapshot, with the version of each. */
  all(): Promise<RpcResponse<typeof fleetExport.schedules>> {
    return this.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (trx) => {
        const rows = await trx
          .selectFrom('schedules')
          .selectAll()
          .orderBy('id')
          .limit(MAX_EXPORTED + 1)
          .execute();
        checkExportSize('things', rows.length, MAX_EXPORTED);
        const ids = rows.map(({ id }) => id);
        const savings = await lastSavings(trx as unknown as Kysely<unknown>, ids);
        return { schedules: rows.map((row) => withSaving(toSchedule(row), savings.get(row.id))) };
      });
  }

  async occurrences({
    id,
    ...page
  }: RpcRequest<typeof schedules.occurrences>): Promise<RpcResponse<typeof schedules.occurrences>> {
    const row = await this.db.selectFrom('schedules').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) throw noSuch('schedule', id, `there is no scheduled task ${id}`, 'id');
    const all = this.db.selectFrom('schedule_occurrences as o').where('o.schedule_id', '=', id);
    const rows = await all
      .leftJoin('schedule_waits as w', (join) =>
        join
          .onRef('w.schedule_id', '=', 'o.schedule_id')
          .onRef('w.cause', '=', 'o.cause')
          .onRef('w.due', '=', 'o.due'),
      )
      .selectAll('o')
      .select('w.waits_for')
      .orderBy('o.due', 'desc')
      .orderBy('o.cause', 'desc')
      .limit(page.page_size)
      .offset(offsetOf(page))
      .execute();
    const counted = await all.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
    return {
      rows: rows.map(({ due, cause, outcome, reason, tasks, item, updated_at, waits_for }) => ({
        due,
        cause,
        outcome,
        reason: isSettled(outcome) ? reason : (waits_for ?? ''),
        task_ids: tasks,
        item,
        updated: updated_at,
      })),
      total: counted.total,
      next: this.nextDueTimes(row),
    };
  }

  async flags({
    pool_ids,
  }: RpcRequest<typeof schedules.flags>): Promise<RpcResponse<typeof schedules.flags>> {
    const rows = await this.db
      .selectFrom('schedules')
      .select(['pool_id', 'cron_items', 'depend_items'])
      .execute();
    const dependedOn = new Set(rows.flatMap(({ depend_items }) => depend_items.map((item) => item.pool_id)));
    const withCron = new Set(
      rows.flatMap(({ pool_id, cron_items }) => (cron_items.length > 0 ? [pool_id] : [])),
    );
    return {
      depended_on: pool_ids.filter((id) => dependedOn.has(id)),
      with_cron: pool_ids.filter((id) => withCron.has(id)),
    };
  }

  /** The due times at which the scheduler will act. */
  private nextDueTimes({ exec_type, cron_items, time_zone }: ScheduleTable) {
    const items = exec_type === 'crontab' ? cron_items.filter(({ ignore }) => !ignore) : [];
    const times: RpcResponse<typeof schedules.occurrences>['next'] = [];
    for (let last = this.now(); times.length < NEXT; ) {
      const next = nextDueTime(items, time_zone || this.zone, last);
      if (!next) break;
      times.push(next);
      last = next.due;
    }
    return times;
  }
}

const isSettled = (outcome: OccurrenceOutcome): boolean => outcome !== 'waiting' && outcome !== 'firing';

export function toSchedule(row: ScheduleTable): Schedule {
  const { id, pool_id, type, exec_type, time_zone, cron_items, depend_items } = row;
  return { id, pool_id, type, exec_type, time_zone, cron_items, depend_items };
}
