import type { Schedule } from '@rigel/contracts';
import { CompiledQuery, type Kysely } from 'kysely';
import {
  type MomentLeftOut,
  type MomentTakenBack,
  type ScheduleSaved,
  scheduleEventTypes,
  scheduleIdOf,
  scheduleStreamOf,
} from './events.js';

/*
 * What operators decided about scheduled tasks, read from the events themselves: a partial index holds these few among the
 * events of all occurrences.
 */

/** The types as the index spells them. */
const LEFT_OUT_TYPES = `'MomentLeftOut', 'MomentTakenBack'`;

interface Row {
  position: number;
  stream: string;
  version: number;
  type: string;
  schema: number;
  data: unknown;
  actor: string;
  recorded_at: number;
}

export interface LastSaving {
  version: number;
  by: string;
  /** Milliseconds since 1970. */
  at: number;
}

const COLUMNS = `e.position, e.stream, e.version, e.type, e.schema, e.data, e.meta->>'actor' AS actor, e.recorded_at`;

/** Who saved each scheduled task last, and as which version. */
export async function lastSavings(
  db: Kysely<unknown>,
  ids: readonly number[],
): Promise<Map<number, LastSaving>> {
  const rows = await query(
    db,
    `SELECT ${COLUMNS} FROM unnest($1::text[]) AS s(stream)
       CROSS JOIN LATERAL (SELECT * FROM events WHERE events.stream = s.stream AND type = 'ScheduleSaved'
         AND type IN ('ScheduleSaved', ${LEFT_OUT_TYPES}) ORDER BY version DESC LIMIT 1) AS e`,
    [ids.map(scheduleStreamOf)],
  );
  return new Map(
    rows.map(({ stream, version, actor, recorded_at }) => [
      scheduleIdOf(stream),
      { version, by: actor, at: recorded_at },
    ]),
  );
}

/** A scheduled task with its saved version and who saved it. */
export function withSaving(schedule: Schedule, saving: LastSaving | undefined): Schedule {
  if (!saving) return schedule;
  return { ...schedule, version: saving.version, updated_at: saving.at, updated_by: saving.by };
}

/** The moments after a time that are left out, of each scheduled task that has any. */
export async function momentsLeftOut(
  db: Kysely<unknown>,
  ids: readonly number[],
  after: number,
): Promise<Map<number, MomentLeftOut[]>> {
  const rows = await query(
    db,
    `SELECT ${COLUMNS} FROM events e WHERE e.stream = ANY($1::text[]) AND e.type IN (${LEFT_OUT_TYPES})
       AND e.type IN ('ScheduleSaved', ${LEFT_OUT_TYPES}) ORDER BY e.stream, e.version`,
    [ids.map(scheduleStreamOf)],
  );
  const found = new Map<number, MomentLeftOut[]>();
  for (const row of rows) {
    const data = scheduleEventTypes.upcast(row).data as MomentLeftOut | MomentTakenBack;
    if (data.due <= after) continue;
    const id = scheduleIdOf(row.stream);
    const others = (found.get(id) ?? []).filter(({ due }) => due !== data.due);
    found.set(id, row.type === 'MomentLeftOut' ? [...others, data] : others);
  }
  return found;
}

/** A saving with the moments that were left out when it was made. */
export interface SavingThen {
  saved: ScheduleSaved;
  leftOut: ReadonlySet<number>;
}

/** The savings of a range, with the one that was in force when it began and the one after it; oldest first. */
export async function savingsOf(
  db: Kysely<unknown>,
  id: number,
  { from, to }: { from: number; to: number },
): Promise<SavingThen[]> {
  const rows = await query(
    db,
    `SELECT ${COLUMNS} FROM events e WHERE e.stream = $1 AND e.type IN ('ScheduleSaved', ${LEFT_OUT_TYPES})
       AND (e.type <> 'ScheduleSaved' OR e.version >= coalesce((
         SELECT max(version) FROM events WHERE stream = $1 AND type = 'ScheduleSaved'
           AND type IN ('ScheduleSaved', ${LEFT_OUT_TYPES}) AND (data->>'at')::bigint < $2), 0))
     ORDER BY e.version`,
    [scheduleStreamOf(id), from],
  );
  const savings: SavingThen[] = [];
  const leftOut = new Set<number>();
  for (const row of rows) {
    const { type, data } = scheduleEventTypes.upcast(row);
    if (type === 'ScheduleSaved') {
      const saved = data as ScheduleSaved;
      const isAfter = (savings.at(-1)?.saved.at ?? 0) >= to;
      if (!isAfter) savings.push({ saved, leftOut: new Set(leftOut) });
    } else if (type === 'MomentLeftOut') leftOut.add((data as MomentLeftOut).due);
    else leftOut.delete((data as MomentTakenBack).due);
  }
  return savings;
}

async function query(db: Kysely<unknown>, text: string, parameters: unknown[]): Promise<Row[]> {
  return (await db.executeQuery<Row>(CompiledQuery.raw(text, parameters))).rows;
}
