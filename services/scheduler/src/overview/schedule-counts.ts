import type { CronItem, OccurrenceOutcome, ScheduleType, TaskOverview } from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';
import { nextDueTime } from '../schedule/calendar.js';

const DAY_MS = 86_400_000;
/** Due times that are named. */
const MOST_NEXT = 12;

const SCHEDULES = prepared(`
  SELECT id, pool_id, type, time_zone, cron_items, version FROM schedules WHERE exec_type = 'crontab'`);
/** For each scheduled task by its key: a day of moments, whatever is older. */
const LEDGER = prepared(`
  SELECT o.outcome, count(*)::int AS moments
  FROM schedules s CROSS JOIN LATERAL (
    SELECT outcome FROM schedule_occurrences WHERE schedule_id = s.id AND due >= $1
  ) AS o GROUP BY o.outcome`);
const SKIPPED = prepared(`
  SELECT s.id, s.pool_id, s.type, o.due, o.reason
  FROM schedules s CROSS JOIN LATERAL (
    SELECT outcome, due, reason FROM schedule_occurrences WHERE schedule_id = s.id AND due >= $1 ORDER BY due DESC LIMIT 1
  ) AS o WHERE o.outcome = 'skipped' AND o.reason NOT LIKE 'ignored%'`);

interface ScheduleLine {
  id: number;
  pool_id: number;
  type: ScheduleType;
  time_zone: string;
  cron_items: CronItem[];
  version: number;
}

/** A scheduled task whose last moment was skipped. */
export interface SkippedLine {
  id: number;
  pool_id: number;
  type: ScheduleType;
  due: number;
  reason: string;
}

/** Counts what schedules did and will do. Computing a due time is costly, so each is kept until it has passed. */
export class ScheduleCounts {
  private readonly due = new Map<number, { version: number; due: number; item: CronItem | undefined }>();

  constructor(
    private readonly db: Kysely<unknown>,
    /** Time zone of schedules that name none. */
    private readonly zone: string,
  ) {}

  async read(now: number): Promise<Pick<TaskOverview, 'next' | 'ledger'> & { skipped: SkippedLine[] }> {
    const [schedules, ledger, skipped] = await Promise.all([
      this.run<ScheduleLine>(SCHEDULES, []),
      this.run<{ outcome: OccurrenceOutcome; moments: number }>(LEDGER, [now - DAY_MS]),
      this.run<SkippedLine>(SKIPPED, [now - DAY_MS]),
    ]);
    const next = schedules.flatMap((schedule) => {
      const { due, item } = this.nextOf(schedule, now);
      if (!item || due > now + DAY_MS) return [];
      const { id: schedule_id, pool_id, type, time_zone } = schedule;
      const zone = time_zone || this.zone;
      return [{ schedule_id, pool_id, type, due, time_zone: zone, instance_num: item.instance_num }];
    });
    return {
      next: next.sort((a, b) => a.due - b.due || a.schedule_id - b.schedule_id).slice(0, MOST_NEXT),
      ledger,
      skipped,
    };
  }

  private nextOf({ id, version, cron_items, time_zone }: ScheduleLine, now: number) {
    const known = this.due.get(id);
    if (known?.version === version && known.due > now) return known;
    const items = cron_items.filter(({ ignore }) => !ignore);
    const next = nextDueTime(items, time_zone || this.zone, now);
    const found = { version, due: next?.due ?? Number.POSITIVE_INFINITY, item: next?.item };
    this.due.set(id, found);
    return found;
  }

  private async run<Row>(text: string, values: unknown[]): Promise<Row[]> {
    return (await this.db.executeQuery<Row>(CompiledQuery.raw(text, values))).rows;
  }
}
