import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import {
  type EventMeta,
  type NewEvent,
  type RecordedEvent,
  type StreamAppend,
  VersionConflict,
} from './event.js';

/** Version that the shapes of all events have now; a changed shape gets the next one, and an upcaster from the last. */
export const CURRENT_SCHEMA = 1;

interface EventRow {
  position: number;
  stream: string;
  version: number;
  type: string;
  schema: number;
  data: unknown;
  meta: EventMeta;
  recorded_at: number;
}

const COLUMNS = 'position, stream, version, type, schema, data, meta, recorded_at';

function fromRow<E extends NewEvent>(row: EventRow): RecordedEvent<E> {
  return {
    position: row.position,
    stream: row.stream,
    version: row.version,
    type: row.type,
    schema: row.schema,
    data: row.data,
    meta: row.meta,
    recordedAt: row.recorded_at,
  };
}

/** What PostgreSQL says of a failed statement. */
interface DatabaseError {
  code?: string;
  constraint?: string;
}

export function isDatabaseError(error: unknown): error is Error & DatabaseError {
  return error instanceof Error && typeof (error as DatabaseError).code === 'string';
}

// The head's row lock comes first: from here to commit there is one writer, so positions follow in commit order.
const APPEND = `
  WITH head AS (
    UPDATE event_head SET position = position + $2::int RETURNING position - $2::int AS base
  )
  INSERT INTO events (${COLUMNS})
  SELECT head.base + e.n, e.stream, e.version, e.type, ${CURRENT_SCHEMA}, e.data, e.meta, $3::bigint
  FROM head, json_to_recordset($1::json) AS e(n int, stream text, version int, type text, data jsonb, meta jsonb)
  ORDER BY e.n
  RETURNING position`;

/**
 * Appends events to streams, all or none, inside the caller's transaction. Appending takes the lock that orders the
 * history, so it comes first in a transaction and projecting second: the other order could deadlock.
 * @throws VersionConflict when a stream is not at its expected version.
 */
export async function append<E extends NewEvent>(
  trx: Transaction<unknown>,
  appends: readonly (StreamAppend<E> & { meta: EventMeta })[],
  now: number,
): Promise<RecordedEvent<E>[]> {
  const recorded: RecordedEvent<E>[] = [];
  const rows: object[] = [];
  for (const { stream, expectedVersion, events, meta } of appends) {
    let version = expectedVersion;
    for (const event of events) {
      version++;
      rows.push({ n: rows.length + 1, stream, version, type: event.type, data: event.data, meta });
      recorded.push({
        position: 0,
        stream,
        version,
        type: event.type,
        schema: CURRENT_SCHEMA,
        data: event.data,
        meta,
        recordedAt: now,
      });
    }
  }
  if (rows.length === 0) return [];
  try {
    const result = await trx.executeQuery<{ position: number }>(
      CompiledQuery.raw(APPEND, [JSON.stringify(rows), rows.length, now]),
    );
    const first = result.rows[0]?.position ?? 0;
    recorded.forEach((event, index) => {
      event.position = first + index;
    });
    return recorded;
  } catch (error) {
    if (isDatabaseError(error) && error.code === '23505' && error.constraint === 'events_stream_version') {
      throw new VersionConflict(`somebody else has written to ${appends.map((a) => a.stream).join(', ')}`);
    }
    throw error;
  }
}

/** Waits until no other transaction appends, and keeps all others from appending until this one ends. */
export async function lockHistory(trx: Transaction<unknown>): Promise<void> {
  await trx.executeQuery(CompiledQuery.raw('SELECT FROM event_head FOR UPDATE', []));
}

/** A stream's events after a version, oldest first. */
export async function readStream<E extends NewEvent>(
  db: Kysely<unknown>,
  stream: string,
  afterVersion = 0,
  limit = 1_000_000,
): Promise<RecordedEvent<E>[]> {
  const result = await db.executeQuery<EventRow>(
    CompiledQuery.raw(
      `SELECT ${COLUMNS} FROM events WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3`,
      [stream, afterVersion, limit],
    ),
  );
  return result.rows.map((row) => fromRow<E>(row));
}

/** Several streams at once, each whole; streams without events are absent. */
export async function readStreams<E extends NewEvent>(
  db: Kysely<unknown>,
  streams: readonly string[],
): Promise<Map<string, RecordedEvent<E>[]>> {
  const result = await db.executeQuery<EventRow>(
    CompiledQuery.raw(`SELECT ${COLUMNS} FROM events WHERE stream = ANY($1) ORDER BY stream, version`, [
      streams,
    ]),
  );
  const histories = new Map<string, RecordedEvent<E>[]>();
  for (const row of result.rows) {
    const history = histories.get(row.stream);
    if (history) history.push(fromRow<E>(row));
    else histories.set(row.stream, [fromRow<E>(row)]);
  }
  return histories;
}

/** The whole history after a position, in commit order. */
export async function readAll(
  db: Kysely<unknown>,
  afterPosition: number,
  limit: number,
): Promise<RecordedEvent[]> {
  const result = await db.executeQuery<EventRow>(
    CompiledQuery.raw(`SELECT ${COLUMNS} FROM events WHERE position > $1 ORDER BY position LIMIT $2`, [
      afterPosition,
      limit,
    ]),
  );
  return result.rows.map((row) => fromRow(row));
}

/** The last position of the history, 0 when it is empty. */
export async function readHead(db: Kysely<unknown>): Promise<number> {
  const result = await db.executeQuery<{ position: number }>(
    CompiledQuery.raw('SELECT position FROM event_head', []),
  );
  return result.rows[0]?.position ?? 0;
}
