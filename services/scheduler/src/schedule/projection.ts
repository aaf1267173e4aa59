import type { RecordedEvent } from '@rigel/event-store';
import { CompiledQuery, type Transaction } from 'kysely';
import { type OccurrenceKey, type ScheduleEvent, type ScheduleSaved, scheduleIdOf } from './events.js';

interface ScheduleRow {
  id: number;
  pool_id: number;
  type: string;
  exec_type: string;
  time_zone: string;
  cron_items: object[];
  depend_items: object[];
  version: number;
  created_at: number;
  updated_at: number;
}

interface OccurrenceRow {
  schedule_id: number;
  cause: string;
  due: number;
  item: object | null;
  outcome: string;
  reason: string;
  tasks: number[];
  updated_at: number;
  zone: string;
}

/** What events do to the read tables, each row once. */
class Changes {
  readonly newSchedules = new Map<number, ScheduleRow>();
  readonly schedules = new Map<number, Partial<ScheduleRow> & { id: number }>();
  readonly newOccurrences = new Map<string, OccurrenceRow>();
  readonly occurrences = new Map<string, OccurrenceRow>();

  add(event: RecordedEvent<ScheduleEvent>): void {
    const { stream, version, recordedAt } = event;
    const id = scheduleIdOf(stream);
    const told = { type: event.type, data: event.data } as ScheduleEvent;
    if (told.type === 'ScheduleSaved') this.save(id, told.data, version, recordedAt);
    else {
      this.touch(id, version, recordedAt);
      // What operators leave out is read from the events: no table has it.
      if (told.type !== 'MomentLeftOut' && told.type !== 'MomentTakenBack')
        this.addOccurrence(id, told, recordedAt);
    }
  }

  private save(id: number, saved: ScheduleSaved, version: number, at: number): void {
    const values = {
      id,
      pool_id: saved.pool,
      type: saved.type,
      exec_type: saved.execType,
      time_zone: saved.timeZone,
      cron_items: saved.cronItems,
      depend_items: saved.dependItems,
      version,
      updated_at: at,
    };
    const fresh = this.newSchedules.get(id);
    if (version === 1) this.newSchedules.set(id, { ...values, created_at: at });
    else if (fresh) Object.assign(fresh, values);
    else this.schedules.set(id, values);
  }

  private touch(id: number, version: number, at: number): void {
    const row = this.newSchedules.get(id) ?? this.schedules.get(id);
    if (row) Object.assign(row, { version, updated_at: at });
    else this.schedules.set(id, { id, version, updated_at: at });
  }

  private addOccurrence(
    id: number,
    event: Extract<ScheduleEvent, { type: `Occurrence${string}` }>,
    at: number,
  ): void {
    const { cause, due }: OccurrenceKey = event.data;
    const key = `${id} ${cause} ${due}`;
    const zone = 'zone' in event.data ? (event.data.zone ?? '') : '';
    const row = (item: object | null, outcome: string, reason = '', tasks: number[] = []): OccurrenceRow => ({
      schedule_id: id,
      cause,
      due,
      item,
      outcome,
      reason,
      tasks,
      updated_at: at,
      zone,
    });
    const change = (outcome: string, reason?: string, tasks?: number[]): void => {
      const fresh = this.newOccurrences.get(key);
      if (fresh)
        this.newOccurrences.set(key, { ...row(fresh.item, outcome, reason, tasks), zone: fresh.zone });
      else this.occurrences.set(key, row(null, outcome, reason, tasks));
    };
    switch (event.type) {
      case 'OccurrenceOpened':
        this.newOccurrences.set(key, row(event.data.item, 'waiting'));
        return;
      case 'OccurrenceSkipped':
        this.newOccurrences.set(key, row(event.data.item, 'skipped', event.data.reason));
        return;
      case 'OccurrenceFiring':
        change('firing');
        return;
      case 'OccurrenceResolved':
        change(event.data.outcome, event.data.reason, event.data.tasks);
        return;
      default:
        event satisfies never;
    }
  }
}

const SCHEDULE_COLUMNS = `id bigint, pool_id bigint, type text, exec_type text, time_zone text, cron_items jsonb,
  depend_items jsonb, version int, created_at bigint, updated_at bigint`;
const OCCURRENCE_COLUMNS = `schedule_id bigint, cause text, due bigint, item jsonb, outcome text, reason text,
  tasks jsonb, updated_at bigint, zone text`;

/** New occurrences are plain inserts: of two with the same key the second is refused. */
const STATEMENTS = {
  newSchedules: `INSERT INTO schedules (id, pool_id, type, exec_type, time_zone, cron_items, depend_items, version,
      created_at, updated_at)
    SELECT r.* FROM json_to_recordset($1::json) AS r(${SCHEDULE_COLUMNS})`,
  schedules: `UPDATE schedules s SET pool_id = coalesce(r.pool_id, s.pool_id), type = coalesce(r.type, s.type),
      exec_type = coalesce(r.exec_type, s.exec_type), time_zone = coalesce(r.time_zone, s.time_zone),
      cron_items = coalesce(r.cron_items, s.cron_items), depend_items = coalesce(r.depend_items, s.depend_items),
      version = r.version, updated_at = r.updated_at
    FROM json_to_recordset($1::json) AS r(${SCHEDULE_COLUMNS}) WHERE s.id = r.id`,
  newOccurrences: `INSERT INTO schedule_occurrences (schedule_id, cause, due, item, outcome, reason, tasks, updated_at,
      zone)
    SELECT r.* FROM json_to_recordset($1::json) AS r(${OCCURRENCE_COLUMNS})`,
  occurrences: `UPDATE schedule_occurrences o SET outcome = r.outcome, reason = r.reason, tasks = r.tasks,
      updated_at = r.updated_at
    FROM json_to_recordset($1::json) AS r(${OCCURRENCE_COLUMNS})
    WHERE o.schedule_id = r.schedule_id AND o.cause = r.cause AND o.due = r.due`,
};

/** Applies events of scheduled tasks, in their order, to the read tables. */
export async function projectSchedules(
  trx: Transaction<unknown>,
  events: readonly RecordedEvent<ScheduleEvent>[],
): Promise<void> {
  const changes = new Changes();
  for (const event of events) changes.add(event);
  for (const kind of ['newSchedules', 'schedules', 'newOccurrences', 'occurrences'] as const) {
    const rows = [...changes[kind].values()];
    if (rows.length === 0) continue;
    await trx.executeQuery(CompiledQuery.raw(STATEMENTS[kind], [JSON.stringify(rows)]));
  }
}
