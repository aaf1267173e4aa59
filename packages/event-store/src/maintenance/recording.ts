import { type Kysely, sql } from 'kysely';
import type { RecordedEvent } from '../log/event.js';
import { readAll, readHead, readStored } from '../log/event-store.js';
import type { Row } from './difference.js';
import type { ServiceHistory } from './service-history.js';

/** The result of a recorded history: the rows of the read tables, and the state of every stream that has one. */
export interface RecordedOutcome {
  rows: Record<string, Row[]>;
  states: Record<string, unknown>;
}

const CHUNK = 1_000;

/** The events of a history as stored, one line of JSON each. */
export async function* recordingLines(db: Kysely<unknown>): AsyncGenerator<string> {
  for (let position = 0; ; ) {
    const events = await readStored(db, position, CHUNK);
    for (const event of events) yield `${JSON.stringify(event)}\n`;
    if (events.length < CHUNK) return;
    position = events.at(-1)?.position ?? position;
  }
}

/** The events of a recording. */
export function parseRecording(text: string): RecordedEvent[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RecordedEvent);
}

/** Stores the events of a recording unchanged in an empty history. */
export async function loadRecording(db: Kysely<unknown>, events: readonly RecordedEvent[]): Promise<void> {
  if ((await readHead(db)) !== 0) throw new Error('a recording can be loaded into an empty history only');
  await db.transaction().execute(async (trx) => {
    await sql`
      INSERT INTO events (position, stream, version, type, schema, data, meta, recorded_at)
      SELECT e.position, e.stream, e.version, e.type, e.schema, e.data, e.meta, e."recordedAt"
      FROM json_to_recordset(${JSON.stringify(events)}::json) AS e(position bigint, stream text, version int,
        type text, schema smallint, data jsonb, meta jsonb, "recordedAt" bigint)`.execute(trx);
    await sql`UPDATE event_head SET position = ${events.at(-1)?.position ?? 0}`.execute(trx);
  });
}

/** The rows of the read tables, and the states folded from the events. For short histories: all of it is in memory. */
export async function readOutcome(db: Kysely<unknown>, history: ServiceHistory): Promise<RecordedOutcome> {
  const rows: Record<string, Row[]> = {};
  for (const { name, key, derived } of history.tables) {
    const result = await sql<{ row: Row }>`
      SELECT to_jsonb(t) AS row FROM ${sql.id(name)} AS t WHERE ${sql.raw(derived ?? 'true')}
      ORDER BY ${sql.join(key.map((column) => sql.id(column)))}`.execute(db);
    rows[name] = result.rows.map(({ row }) => row);
  }
  const states = new Map<string, unknown>();
  for (let position = 0; ; ) {
    const events = await readAll(db, history.types, position, CHUNK);
    for (const event of events) {
      states.set(event.stream, history.evolve(states.get(event.stream), event));
    }
    if (events.length < CHUNK) break;
    position = events.at(-1)?.position ?? position;
  }
  const kept = [...states].filter(([, state]) => state !== undefined);
  // Through JSON: fields that are undefined are absent then.
  return { rows, states: JSON.parse(JSON.stringify(Object.fromEntries(kept))) as Record<string, unknown> };
}
