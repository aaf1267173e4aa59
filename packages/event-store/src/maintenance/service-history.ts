import type { EventOwner } from '@rigel/contracts';
import type { Kysely, Transaction } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { RecordedEvent } from '../log/event.js';
import type { EventTypes } from '../log/event-types.js';
import type { Difference } from './difference.js';

/** A table whose rows follow from the events. */
export interface ReadTable {
  name: string;
  /** Columns that tell its rows apart. */
  key: readonly string[];
  /** How a row names the stream it comes from: `<prefix><value of the column>`. Absent: it comes from several. */
  stream?: { prefix: string; column: string };
  /** SQL condition that is true of the rows that follow from the events. Absent: all do. */
  derived?: string;
}

/** Told how many events have been gone through so far. */
export type Progress = (events: number) => void;

/** What a service knows of its history, for programs that check it, restore it and look into it. */
export interface ServiceHistory {
  /** Also the name of its schema in the database. */
  service: EventOwner;
  types: EventTypes;
  migrations: Record<string, Migration>;
  /** Parents before their children. */
  tables: readonly ReadTable[];
  /**
   * Fills empty copies of the read tables from the events; the names of the tables mean the copies.
   * @param options.broken streams that lack events.
   * @returns what is wrong with streams that cannot be folded.
   */
  replay(
    trx: Transaction<unknown>,
    options: { broken: ReadonlySet<string>; progress: Progress },
  ): Promise<Difference[]>;
  /** Replaces the rows of the read tables by what the events say, while the service runs. */
  rebuild(db: Kysely<unknown>, progress: Progress): Promise<void>;
  /** The state of a stream after one more event; undefined for streams without a state of their own. */
  evolve(state: unknown, event: RecordedEvent): unknown;
}
