import { type Kysely, sql } from 'kysely';

/**
 * Creates the tables of an event store in the first schema of the connection's search_path. The first migration of a
 * service calls it.
 *
 * - `events`: the history. `position` is the commit order, without gaps. (stream, version) is unique: of two writers
 *   that expect the same version, PostgreSQL refuses one.
 * - `event_head`: one row with the last position. Appending updates it and holds its row lock to the end of the
 *   transaction. So positions follow the order of commits: a reader that has seen position n has seen everything before
 *   it.
 * - `event_checkpoints`: how far this service has followed the histories of others. `addFollowedEvent` and
 *   `addFollowedPosition` add columns.
 */
export async function createEventTables(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE events (
      position bigint PRIMARY KEY,
      stream text NOT NULL,
      version integer NOT NULL CHECK (version > 0),
      type text NOT NULL,
      schema smallint NOT NULL,
      data jsonb NOT NULL,
      meta jsonb NOT NULL,
      recorded_at bigint NOT NULL,
      CONSTRAINT events_stream_version UNIQUE (stream, version)
    )`.execute(db);
  await sql`
    CREATE TABLE event_head (
      one boolean PRIMARY KEY DEFAULT true CHECK (one),
      position bigint NOT NULL
    )`.execute(db);
  await sql`INSERT INTO event_head (position) VALUES (0)`.execute(db);
  await sql`
    CREATE TABLE event_checkpoints (
      consumer text NOT NULL,
      owner text NOT NULL,
      position bigint NOT NULL,
      PRIMARY KEY (consumer, owner)
    )`.execute(db);
}

/**
 * Adds to `event_checkpoints` the identity of the last followed event. Both columns are NULL until the next event is
 * followed.
 *
 * - `event`: the identity. If the history has another event at that position, the owner's database was restored.
 * - `recorded_until`: the latest recording time of all followed events, in milliseconds since 1970. Events that were
 *   recorded later have not been followed.
 */
export async function addFollowedEvent(db: Kysely<unknown>): Promise<void> {
  await sql`
    ALTER TABLE event_checkpoints ADD COLUMN event text, ADD COLUMN recorded_until bigint`.execute(db);
}

/**
 * Adds `event_position`, the position to which `event` and `recorded_until` belong. During an upgrade a program of an
 * earlier release moves `position` alone: then the identity of the last event is not known.
 */
export async function addFollowedPosition(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE event_checkpoints ADD COLUMN event_position bigint`.execute(db);
  await sql`UPDATE event_checkpoints SET event_position = position WHERE event IS NOT NULL`.execute(db);
}

/**
 * Creates `kept_answers`: the answers to requests with a key, by the hash of the key, until they expire. `request` is
 * the hash of the request. The rows follow from no event: they only decide whether a request is a repetition.
 */
export async function createKeptAnswers(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE kept_answers (
      key text PRIMARY KEY,
      request text NOT NULL,
      answer json NOT NULL,
      kept_until bigint NOT NULL
    )`.execute(db);
  await sql`CREATE INDEX kept_answers_until ON kept_answers (kept_until)`.execute(db);
}

/** SQL expression for the identity of the last followed event; NULL: not known. */
export const FOLLOWED_EVENT = 'CASE WHEN event_position = position THEN event END';
