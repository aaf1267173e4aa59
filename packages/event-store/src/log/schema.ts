import { type Kysely, sql } from 'kysely';

/**
 * Creates the tables of an event store in the schema that the connection's search_path names first; a service's first
 * migration calls it.
 *
 * - `events`: the history. `position` is commit order, without gaps; (stream, version) is unique, so of two writers
 *   that both expect the same version one is refused.
 * - `event_head`: one row with the last position. Appending updates it, and its row lock, held to the end of the
 *   transaction, is what makes position order and commit order the same: a reader that has seen position n has seen
 *   everything before it.
 * - `event_checkpoints`: how far this service has followed the histories of others; `addFollowedEvent` and
 *   `addFollowedPosition` add to it.
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
 * Adds to `event_checkpoints` which event was the last that was followed; both are NULL until the next one is.
 *
 * - `event`: its identity. A history that has another event at that position is another history.
 * - `recorded_until`: when the latest of all that were followed was recorded, in milliseconds since 1970. Later ones are
 *   not among them.
 */
export async function addFollowedEvent(db: Kysely<unknown>): Promise<void> {
  await sql`
    ALTER TABLE event_checkpoints ADD COLUMN event text, ADD COLUMN recorded_until bigint`.execute(db);
}

/**
 * Adds `event_position`, the position that `event` and `recorded_until` were written for. A program without these columns moves
 * `position` alone, as long as an upgrade lasts: then nothing is known of the last event.
 */
export async function addFollowedPosition(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE event_checkpoints ADD COLUMN event_position bigint`.execute(db);
  await sql`UPDATE event_checkpoints SET event_position = position WHERE event IS NOT NULL`.execute(db);
}

/**
 * Creates `kept_answers`: what was answered to requests that came under a key, by the key's hash, until it is forgotten. `request`
 * is the hash of what was asked for. It follows from no event: nothing is decided on it but whether a request is a repetition.
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

/** SQL of the identity of the last event that was followed, NULL when it is not known. */
export const FOLLOWED_EVENT = 'CASE WHEN event_position = position THEN event END';
