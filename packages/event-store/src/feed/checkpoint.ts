import { type EventBatch, type EventOwner, eventIdentity, type PublishedEvent } from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import type { EventTypes } from '../log/event-types.js';
import { FOLLOWED_EVENT } from '../log/schema.js';

/** Where a consumer stands in the history of another service. */
export interface Place {
  /** Position of the last event that was followed, 0 before the first. */
  position: number;
  /** Identity of that event; undefined: there is none, or it was followed before identities were kept. */
  event: string | undefined;
  /** When the latest of all events that were followed was recorded, in milliseconds since 1970; undefined: not known. */
  recordedUntil: number | undefined;
}

/** Before the first event. */
export const BEGINNING: Place = { position: 0, event: undefined, recordedUntil: undefined };

/** The place after a batch that follows a place. */
export function placeAfter(from: Place, { events, end }: Pick<EventBatch, 'events' | 'end'>): Place {
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
 * How far a consumer has followed the history of another service. It is moved from where this replica has read it or moved it
 * to, and stands there no more when another replica was faster.
 */
export interface Checkpoint {
  /** The place it stands at, the beginning at first. */
  read(): Promise<Place>;
  /**
   * Does what the events mean and moves the checkpoint behind them: both or neither. Where they mean nothing to the follower
   * it may be moved later: they are passed over again then, after a restart.
   * @throws when another replica was faster.
   */
  advance(to: Place, events: readonly PublishedEvent[]): Promise<void>;
  /**
   * Goes back to the end of what was followed and is still in the history: the owner's database was restored to an earlier
   * moment. What the forgotten events led to stays as it is.
   * @throws when another replica was faster.
   */
  goBack(to: Place): Promise<void>;
}

export interface DatabaseCheckpointOptions {
  /** Name of the checkpoint: one for each purpose in a service. */
  name: string;
  owner: EventOwner;
  db: Kysely<unknown>;
  /**
   * The types that are followed; the owner's others are passed over. Their events arrive in the current shape, also from
   * an owner that is older than this program; one that is newer stops the consumer until it is brought up to date.
   */
  types: Pick<EventTypes, 'has' | 'upcast'>;
  /** Does what the events mean, inside the transaction that moves the checkpoint. */
  handle: (trx: Transaction<unknown>, events: readonly PublishedEvent[]) => Promise<void>;
  /**
   * Makes room for other events after a position, where the checkpoint goes back to it: whoever keeps positions has some
   * that are given again. In the transaction that moves the checkpoint.
   */
  forgetAfter?: (trx: Transaction<unknown>, position: number) => Promise<void>;
}

/**
 * Events that are passed over before the checkpoint is written, while none of them means anything: a transaction for each
 * batch would be most of the work of a follower of little.
 */
const PASSED_OVER = 2_000;

const MOVE = prepared(
  `UPDATE event_checkpoints SET position = $1, event_position = $1, event = $2, recorded_until = $3
   WHERE consumer = $4 AND owner = $5 AND position = $6 AND ${FOLLOWED_EVENT} IS NOT DISTINCT FROM $7`,
);

/** A checkpoint in the consumer's own schema, moved in the transaction of what the events led to. */
export function databaseCheckpoint({
  name,
  owner,
  db,
  types,
  handle,
  forgetAfter,
}: DatabaseCheckpointOptions): Checkpoint {
  /** What the row says; the consumer itself may be further, see `PASSED_OVER`. */
  let written = BEGINNING;
  /** Names the old place, and not its position alone: of two replicas that do the same, one rolls back. */
  const move = async (trx: Transaction<unknown>, to: Place): Promise<void> => {
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
      if (followed.length === 0 && to.position - written.position < PASSED_OVER) return;
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
