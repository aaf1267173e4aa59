import type { EventOwner, PublishedEvent } from '@rigel/contracts';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import type { EventTypes } from './event-types.js';

/** How far a consumer has followed the history of another service. */
export interface Checkpoint {
  /** The position it stands at, 0 at first. */
  read(): Promise<number>;
  /**
   * Does what the events mean and moves the checkpoint behind the last of them: both or neither.
   * @throws when it does not stand at `from` any more: another replica was faster.
   */
  advance(from: number, events: readonly PublishedEvent[]): Promise<void>;
  /**
   * Goes back to the end of a history that is shorter than what was followed of it: its database was restored to an earlier
   * moment. What the forgotten events led to stays as it is.
   * @throws when it does not stand at `from` any more.
   */
  goBack(from: number, head: number): Promise<void>;
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
   * Makes room for what will be recorded after `head`, where the checkpoint goes back to it: whoever keeps positions has some
   * that will be given again. In the transaction that moves the checkpoint.
   */
  forgetAfter?: (trx: Transaction<unknown>, head: number) => Promise<void>;
}

/** A checkpoint in the consumer's own schema, moved in the transaction of what the events led to. */
export function databaseCheckpoint({
  name,
  owner,
  db,
  types,
  handle,
  forgetAfter,
}: DatabaseCheckpointOptions): Checkpoint {
  /** Names the old position: of two replicas that do the same, one rolls back. */
  const move = async (trx: Transaction<unknown>, from: number, to: number): Promise<void> => {
    const moved = await trx.executeQuery(
      CompiledQuery.raw(
        'UPDATE event_checkpoints SET position = $1 WHERE consumer = $2 AND owner = $3 AND position = $4',
        [to, name, owner, from],
      ),
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
      const result = await db.executeQuery<{ position: number }>(
        CompiledQuery.raw('SELECT position FROM event_checkpoints WHERE consumer = $1 AND owner = $2', [
          name,
          owner,
        ]),
      );
      return result.rows[0]?.position ?? 0;
    },
    async advance(from, events) {
      const last = events.at(-1);
      if (!last) return;
      const followed = events.filter(({ type }) => types.has(type)).map((event) => types.upcast(event));
      await db.transaction().execute(async (trx) => {
        await move(trx, from, last.position);
        if (followed.length > 0) await handle(trx, followed);
      });
    },
    async goBack(from, head) {
      await db.transaction().execute(async (trx) => {
        await move(trx, from, head);
        await forgetAfter?.(trx, head);
      });
    },
  };
}
