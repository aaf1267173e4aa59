import { type EventBatch, type EventOwner, eventIdentity, type PublishedEvent } from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import type { EventTypes } from '../log/event-types.js';
import { FOLLOWED_EVENT } from '../log/schema.js';

/** How far a consumer has followed the history of another service. */
export interface Cursor {
  /** Position of the last followed event, 0 before the first. */
  position: number;
  /** Identity of that event; undefined: no event was followed yet, or a release without identities followed it. */
  event: string | undefined;
  /** The latest recording time of all followed events, in milliseconds since 1970; undefined: not known. */
  recordedUntil: number | undefined;
}

/** Before the first event. */
export const BEGINNING: Cursor = { position: 0, event: undefined, recordedUntil: undefined };

/** The cursor after a batch that follows `from`. */
export function cursorAfter(from: Cursor, { events, end }: Pick<EventBatch, 'events' | 'end'>): Cursor {
  const last = events.at(-1);
  if (!end && !last) return from;
  const recorded = [from.recordedUntil ?? 0, end?.recorded_until ?? 0];
  const recordedUntil = events.reduce(
    (latest, event) => Math.max(latest, event.recorded_at),
    Math.max(...recorded),
  );
  if (end) return { position: end.position, event: end.identity, recordedUntil };
  return last ? { position: last.position, event: eventIdentity(last), recordedUntil } : from;
}

/**
 * The stored cursor of a consumer. A replica moves it from the cursor that it last read or wrote. The move fails if
 * another replica was faster.
 */
export interface Checkpoint {
  /** The stored cursor; at first the beginning. */
  read(): Promise<Cursor>;
  /**
   * Handles the events and moves the checkpoint behind them: both or neither. If no event concerns the follower, the
   * checkpoint may move later; after a restart the consumer then skips these events once more.
   * @throws if another replica was faster.
   */
  advance(to: Cursor, events: readonly PublishedEvent[]): Promise<void>;
  /**
   * Goes back to the last followed event that is still in the history, because the owner's database was restored to an
   * earlier time. The effects of the lost events stay.
   * @throws if another replica was faster.
   */
  goBack(to: Cursor): Promise<void>;
}

export interface DatabaseCheckpointOptions {
  /** Name of the checkpoint; a service has one for each purpose. */
  name: string;
  owner: EventOwner;
  db: Kysely<unknown>;
  /**
   * The types to follow; the consumer skips all others. Events arrive in the current shape, also those of an owner of
   * an earlier release. If the owner is newer and wrote a version that this program does not know, the consumer stops
   * until it is upgraded.
   */
  types: Pick<EventTypes, 'has' | 'upcast'>;
  /** Handles the events, in the transaction that moves the checkpoint. */
  handle: (trx: Transaction<unknown>, events: readonly PublishedEvent[]) => Promise<void>;
  /**
   * Called when the checkpoint goes back to a position, in the transaction that moves it. Later positions will be used
   * again for other events, so a follower that stores positions makes room for these here.
   */
  forgetAfter?: (trx: Transaction<unknown>, position: number) => Promise<void>;
}

/**
 * Number of skipped events after which the checkpoint is written all the same. A transaction for each batch would be
 * most of the work of a follower that few events concern.
 */
const SKIPPED = 2_000;

const MOVE = prepared(
  `UPDATE event_checkpoints SET position = $1, event_position = $1, event = $2, recorded_until = $3
   WHERE consumer = $4 AND owner = $5 AND position = $6 AND ${FOLLOWED_EVENT} IS NOT DISTINCT FROM $7`,
);

/** A checkpoint in the consumer's own schema, written in the transaction of the consumer's changes. */
export function databaseCheckpoint({
  name,
  owner,
  db,
  types,
  handle,
  forgetAfter,
}: DatabaseCheckpointOptions): Checkpoint {
  /** The cursor in the row. The consumer may be ahead of it, see `SKIPPED`. */
  let written = BEGINNING;
  /** The condition names the whole old cursor, so if two replicas do the same, one of them rolls back. */
  const move = async (trx: Transaction<unknown>, to: Cursor): Promise<void> => {
    const moved = await trx.executeQuery(
      CompiledQuery.raw(MOVE, [
        to.position,
        to.event ?? null,
        to.recordedUntil ?? null,
        name,
        owner,
        written.position,
        written.event ?? null,
      ]),
    );
    if (moved.numAffectedRows !== 1n) throw new Error(`another replica has moved the checkpoint ${name}`);
  };
  return {
    async read() {
      await db.executeQuery(
        CompiledQuery.raw(
          'INSERT INTO event_checkpoints (consumer, owner, position) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING',
          [name, owner],
        ),
      );
      const { rows } = await db.executeQuery<{
        position: number;
        event: string | null;
        recorded_until: number | null;
      }>(
        CompiledQuery.raw(
          `SELECT position, ${FOLLOWED_EVENT} AS event,
             CASE WHEN event_position = position THEN recorded_until END AS recorded_until
           FROM event_checkpoints WHERE consumer = $1 AND owner = $2`,
          [name, owner],
        ),
      );
      const [row] = rows;
      written = row
        ? {
            position: row.position,
            event: row.event ?? undefined,
            recordedUntil: row.recorded_until ?? undefined,
          }
        : BEGINNING;
      return written;
    },
    async advance(to, events) {
      const followed = events.filter(({ type }) => types.has(type)).map((event) => types.upcast(event));
      if (followed.length === 0 && to.position - written.position < SKIPPED) return;
      await db.transaction().execute(async (trx) => {
        await move(trx, to);
        if (followed.length > 0) await handle(trx, followed);
      });
      written = to;
    },
    async goBack(to) {
      await db.transaction().execute(async (trx) => {
        await move(trx, to);
        await forgetAfter?.(trx, to.position);
      });
      written = to;
    },
  };
}
