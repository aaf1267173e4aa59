import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import { identityOf } from '../feed/published.js';
import { lines, numbers } from './columns.js';
import {
  type EventMeta,
  type NewEvent,
  type RecordedEvent,
  type StreamAppend,
  VersionConflict,
} from './event.js';
import type { EventTypes } from './event-types.js';

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

/** An event as stored, in the version in which it was written. */
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

/** PostgreSQL's description of a failed statement. */
interface DatabaseError {
  code?: string;
  constraint?: string;
}

export function isDatabaseError(error: unknown): error is Error & DatabaseError {
  return error instanceof Error && typeof (error as DatabaseError).code === 'string';
}

/** Events for one stream, and their origin. */
export type MetaAppend<E extends NewEvent = NewEvent> = StreamAppend<E> & { meta: EventMeta };

/**
 * Two common table expressions that append events, for a statement that also changes other tables (and so needs no
 * transaction around it). The first APPEND_PARAMETERS parameters of that statement are those of `appendParameters`.
 * `head` has one row once the statement holds the lock that orders the history. All other changes of the statement must
 * join `head`, so that the lock comes first.
 */
export const APPEND_CTES = `
  head AS (
    UPDATE event_head SET position = position + $1::int RETURNING position - $1::int AS base
  ),
  appended AS (
    INSERT INTO events (${COLUMNS})
    SELECT head.base + e.n, e.stream, e.version, e.type, e.schema, e.data::jsonb, e.meta::jsonb, $2::bigint
    FROM head, unnest(string_to_array($3, E'\\n'), $4::int[], string_to_array($5, E'\\n'), $6::smallint[],
      string_to_array($7, E'\\n'), string_to_array($8, E'\\n')) WITH ORDINALITY
      AS e(stream, version, type, schema, data, meta, n)
    ORDER BY e.n
  )`;

const APPEND = prepared(`WITH ${APPEND_CTES} SELECT base FROM head`);

/** Number of parameters of `APPEND_CTES`. */
export const APPEND_PARAMETERS = 8;

/** The parameters $1 to $8 of `APPEND_CTES`. @param now milliseconds since 1970. */
export function appendParameters(
  types: EventTypes,
  appends: readonly MetaAppend[],
  now: number,
): [number, number, ...string[]] {
  const streams: string[] = [];
  const versions: number[] = [];
  const names: string[] = [];
  const schemas: number[] = [];
  const data: string[] = [];
  const metas: string[] = [];
  for (const { stream, expectedVersion, events, meta } of appends) {
    const metaText = JSON.stringify(meta);
    let version = expectedVersion;
    for (const event of events) {
      streams.push(stream);
      versions.push(++version);
      names.push(event.type);
      schemas.push(types.versionOf(event.type));
      data.push(JSON.stringify(event.data));
      metas.push(metaText);
    }
  }
  return [
    streams.length,
    now,
    lines(streams),
    numbers(versions),
    lines(names),
    numbers(schemas),
    lines(data),
    lines(metas),
  ];
}

/** The error of a failed append: VersionConflict if a stream is not at its expected version, else the error itself. */
export function asVersionConflict(error: unknown, appends: readonly StreamAppend[]): unknown {
  const conflict =
    isDatabaseError(error) && error.code === '23505' && error.constraint === 'events_stream_version';
  if (!conflict) return error;
  return new VersionConflict(
    `another writer has appended to ${appends.map(({ stream }) => stream).join(', ')}`,
  );
}

/**
 * Appends events to streams, all or none, in the caller's transaction. Appending takes the lock that orders the
 * history. So in a transaction append first and project second: the other order could deadlock.
 * @throws VersionConflict if a stream is not at its expected version.
 */
export async function append<E extends NewEvent>(
  trx: Transaction<unknown>,
  types: EventTypes,
  appends: readonly MetaAppend<E>[],
  now: number,
): Promise<RecordedEvent<E>[]> {
  const parameters = appendParameters(types, appends, now);
  if (parameters[0] === 0) return [];
  let position: number;
  try {
    const result = await trx.executeQuery<{ base: number }>(CompiledQuery.raw(APPEND, parameters));
    position = result.rows[0]?.base ?? 0;
  } catch (error) {
    throw asVersionConflict(error, appends);
  }
  return recordedAs(types, appends, position, now);
}

/** The recorded events of appends that begin after a position of the history, at a time in milliseconds since 1970. */
export function recordedAs<E extends NewEvent>(
  types: EventTypes,
  appends: readonly MetaAppend<E>[],
  behind: number,
  now: number,
): RecordedEvent<E>[] {
  let position = behind;
  return appends.flatMap(({ stream, expectedVersion, events, meta }) =>
    events.map(({ type, data }, index) => ({
      position: ++position,
      stream,
      version: expectedVersion + index + 1,
      type,
      schema: types.versionOf(type),
      data,
      meta,
      recordedAt: now,
    })),
  );
}

const LOCK_HISTORY = prepared('SELECT FROM event_head FOR UPDATE');

/** Waits until no other transaction appends, and prevents all others from appending until this transaction ends. */
export async function lockHistory(trx: Transaction<unknown>): Promise<void> {
  await trx.executeQuery(CompiledQuery.raw(LOCK_HISTORY, []));
}

/**
 * Takes the lock that orders the history, and then the next values of a sequence. So ids rise in the order in which
 * their transactions commit.
 */
export async function lockHistoryForIds(
  trx: Transaction<unknown>,
  sequence: string,
  count: number,
): Promise<number[]> {
  const { rows } = await trx.executeQuery<{ id: number }>(
    CompiledQuery.raw(
      `WITH head AS MATERIALIZED (SELECT FROM event_head FOR UPDATE)
       SELECT nextval($1::regclass) AS id FROM head, generate_series(1, $2::int)`,
      [sequence, count],
    ),
  );
  return rows.map(({ id }) => id);
}

/**
 * For a transaction that replaces rows of the read tables: waits for the transactions that append, and prevents others
 * from beginning to append until this one ends. A lock of the row of `event_head` would not do: a statement that
 * appends and updates rows has chosen those rows before it waits for that lock, so it would miss rows that were
 * replaced meanwhile. A statement waits for the lock of the table before it reads anything.
 */
export async function holdWriters(trx: Transaction<unknown>): Promise<void> {
  await trx.executeQuery(CompiledQuery.raw('LOCK TABLE event_head IN EXCLUSIVE MODE', []));
}

/**
 * A stream's events after a version, oldest first, in their current shape.
 * @param limit the most events to return. A stream may have any number, see `chunksOfStream`.
 * @throws UnknownEvent if this program does not know the type or version of an event.
 */
export async function readStream<E extends NewEvent>(
  db: Kysely<unknown>,
  types: EventTypes<E>,
  stream: string,
  afterVersion: number,
  limit: number,
): Promise<RecordedEvent<E>[]> {
  const rows = await query<EventRow>(
    db,
    `SELECT ${COLUMNS} FROM events WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3`,
    [stream, afterVersion, limit],
  );
  return rows.map((row) => types.upcast(fromRow<E>(row)));
}

/** Which events of a stream are read. */
export interface StreamPart {
  /** Only those after this version, and before that one. */
  after?: number | undefined;
  before?: number | undefined;
  types?: readonly string[] | undefined;
  /** Only those whose data have what one of these objects has: `{run: 3}`, `{runs: [3]}`. */
  having?: readonly object[] | undefined;
  newestFirst?: boolean | undefined;
  /** The most events to return. */
  limit: number;
}

/**
 * Some of a stream's events, in their current shape. `having` is compared with the stored shape, so its fields are those that no
 * version of these types has changed.
 */
export async function readPart<E extends NewEvent>(
  db: Kysely<unknown>,
  types: EventTypes<E>,
  stream: string,
  { after = 0, before, types: wanted, having, newestFirst = false, limit }: StreamPart,
): Promise<RecordedEvent<E>[]> {
  const rows = await query<EventRow>(
    db,
    `SELECT ${COLUMNS} FROM events WHERE stream = $1 AND version > $2 AND version < $3
      AND ($4::text[] IS NULL OR type = ANY($4)) AND ($5::jsonb[] IS NULL OR data @> ANY($5))
     ORDER BY version ${newestFirst ? 'DESC' : 'ASC'} LIMIT $6`,
    [
      stream,
      after,
      before ?? MAX_VERSION,
      wanted ?? null,
      having?.map((one) => JSON.stringify(one)) ?? null,
      limit,
    ],
  );
  return rows.map((row) => types.upcast(fromRow<E>(row)));
}

/** No stream has as many events. */
const MAX_VERSION = 2_147_483_647;

/** Events that one statement reads of a stream. */
const CHUNK = 5_000;

/**
 * All of a stream's events after a version, oldest first, in parts.
 * @throws Error if the stream lacks an event: the fold of the others would be wrong.
 */
export async function* chunksOfStream<E extends NewEvent>(
  db: Kysely<unknown>,
  types: EventTypes<E>,
  stream: string,
  afterVersion = 0,
): AsyncGenerator<RecordedEvent<E>[]> {
  for (let last = afterVersion; ; last += CHUNK) {
    // With an upper version: with a limit alone PostgreSQL sorts all the rest while it has no statistics.
    const rows = await query<EventRow>(
      db,
      `SELECT ${COLUMNS} FROM events WHERE stream = $1 AND version > $2 AND version <= $3 ORDER BY version`,
      [stream, last, last + CHUNK],
    );
    const end = rows.at(-1);
    if (!end) return;
    if (end.version !== last + rows.length) {
      throw new Error(`${stream} lacks events between version ${last} and version ${end.version}`);
    }
    yield rows.map((row) => types.upcast(fromRow<E>(row)));
    if (rows.length < CHUNK) return;
  }
}

/** A stream's events of some types, oldest first. */
export async function readOfTypes<E extends NewEvent, Type extends E['type']>(
  db: Kysely<unknown>,
  types: EventTypes<E>,
  stream: string,
  wanted: readonly Type[],
): Promise<RecordedEvent<Extract<E, { type: Type }>>[]> {
  const rows = await query<EventRow>(
    db,
    `SELECT ${COLUMNS} FROM events WHERE stream = $1 AND type = ANY($2) ORDER BY version`,
    [stream, wanted],
  );
  return rows.map((row) => types.upcast(fromRow<Extract<E, { type: Type }>>(row)));
}

/** All events of several streams. Streams without events are absent. */
export async function readStreams<E extends NewEvent>(
  db: Kysely<unknown>,
  types: EventTypes,
  streams: readonly string[],
): Promise<Map<string, RecordedEvent<E>[]>> {
  const rows = await query<EventRow>(
    db,
    `SELECT ${COLUMNS} FROM events WHERE stream = ANY($1) ORDER BY stream, version`,
    [streams],
  );
  const histories = new Map<string, RecordedEvent<E>[]>();
  for (const row of rows) {
    const event = types.upcast(fromRow<E>(row));
    const history = histories.get(row.stream);
    if (history) history.push(event);
    else histories.set(row.stream, [event]);
  }
  return histories;
}

/** The whole history after a position, in commit order. */
export async function readAll(
  db: Kysely<unknown>,
  types: EventTypes,
  afterPosition: number,
  limit: number,
): Promise<RecordedEvent[]> {
  const events = await readStored(db, afterPosition, limit);
  return events.map((event) => types.upcast(event));
}

/** The history after a position, as stored: each event in the version in which it was written. */
export async function readStored(
  db: Kysely<unknown>,
  afterPosition: number,
  limit: number,
): Promise<RecordedEvent[]> {
  const rows = await query<EventRow>(
    db,
    `SELECT ${COLUMNS} FROM events WHERE position > $1 ORDER BY position LIMIT $2`,
    [afterPosition, limit],
  );
  return rows.map((row) => fromRow(row));
}

/** The events after a version of a stream, stream by stream: all of one stream, oldest first, then all of the next. */
export async function readByStream<E extends NewEvent>(
  db: Kysely<unknown>,
  types: EventTypes<E>,
  after: { stream: string; version: number },
  limit: number,
): Promise<RecordedEvent<E>[]> {
  const rows = await query<EventRow>(
    db,
    `SELECT ${COLUMNS} FROM events WHERE (stream, version) > ($1, $2) ORDER BY stream, version LIMIT $3`,
    [after.stream, after.version, limit],
  );
  return rows.map((row) => types.upcast(fromRow<E>(row)));
}

/** The last position of the history, 0 if it is empty. */
export async function readHead(db: Kysely<unknown>): Promise<number> {
  const [head] = await query<{ position: number }>(db, 'SELECT position FROM event_head', []);
  return head?.position ?? 0;
}

/** Identity of the event at a position, see `eventIdentity`; undefined if there is no event. */
export async function readIdentity(db: Kysely<unknown>, position: number): Promise<string | undefined> {
  const [event] = await readStored(db, position - 1, 1);
  return event?.position === position ? identityOf(event) : undefined;
}

async function query<Row>(db: Kysely<unknown>, text: string, parameters: unknown[]): Promise<Row[]> {
  return (await db.executeQuery<Row>(CompiledQuery.raw(text, parameters))).rows;
}

/** A service's whole history, for reading in commit order. */
export interface History {
  /** The last position, 0 if the history is empty. */
  head(): Promise<number>;
  /** The events after a position, `limit` of them at most. */
  after(position: number, limit: number): Promise<RecordedEvent[]>;
}

/** The history in the first schema of the connection's search_path. It gives events in their current shape. */
export function historyOf(db: Kysely<unknown>, types: EventTypes): History {
  return { head: () => readHead(db), after: (position, limit) => readAll(db, types, position, limit) };
}
