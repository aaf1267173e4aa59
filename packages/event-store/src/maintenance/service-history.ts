import type { EventOwner } from '@rigel/contracts';
import type { Kysely, Transaction } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { RecordedEvent } from '../log/event.js';
import type { EventTypes } from '../log/event-types.js';
import type { Difference } from './difference.js';

/** A read table: its rows follow from the events. */
export interface ReadTable {
  name: string;
  /** Columns of its key. */
  key: readonly string[];
  /**
   * The stream that a row follows from: `<prefix><value of the column>`. Absent: a row follows from several streams.
   */
  stream?: { prefix: string; column: string };
  /** SQL condition for the rows that follow from the events. Absent: all rows do. */
  derived?: string;
  /** Columns whose values no difference shows: hashes of secrets. */
  hidden?: readonly string[];
}

/** Called with the number of events read so far. */
export type Progress = (events: number) => void;

/** Describes the history of a service to programs that verify, rebuild and show it. */
export interface ServiceHistory {
  /** The service; its schema in the database has the same name. */
  service: EventOwner;
  types: EventTypes;
  migrations: Record<string, Migration>;
  /** Parents come before their children. */
  tables: readonly ReadTable[];
  /**
   * Fills empty copies of the read tables from the events. On this connection the names of the tables mean the copies.
   * @param options.broken streams that lack events.
   * @returns a difference for each stream that cannot be folded.
   */
  replay(
    trx: Transaction<unknown>,
    options: { broken: ReadonlySet<string>; progress: Progress },
  ): Promise<Difference[]>;
  /** Rebuilds the rows of the read tables from the events, while the service runs. */
  rebuild(db: Kysely<unknown>, progress: Progress): Promise<void>;
  /** The state of a stream after an event; undefined for streams without a state. */
  evolve(state: unknown, event: RecordedEvent): unknown;
}
