import type { Stamp } from '@rigel/contracts';
import { type RawBuilder, sql } from 'kysely';

/*
 * The version of a thing is read from its stream, in the statement that reads its row. A column of the read table would
 * be wrong after a process of an earlier release, which does not know the column, had changed the thing.
 */

/** A row with the stamp that `stampOf` selects. */
export type Stamped<Row> = Row & { stamp: Stamp | null };

/**
 * SQL expression for the last change of the row's thing, one look-up in the index of the streams.
 * @param table has the column `id`. @param kind first part of the stream's name: `pool` of `pool-7`.
 */
export function stampOf(kind: string, table: string): RawBuilder<Stamp | null> {
  return sql<Stamp | null>`(
    SELECT json_build_object('version', version, 'updated_at', recorded_at, 'updated_by', meta->>'actor')
    FROM events WHERE stream = ${`${kind}-`}::text || ${sql.ref(`${table}.id`)}::text ORDER BY version DESC LIMIT 1)`;
}

/** The row with the fields of its stamp. */
export function withStamp<Row extends { stamp: Stamp | null }>({
  stamp,
  ...row
}: Row): Omit<Row, 'stamp'> & Stamp {
  return { ...row, ...stamp };
}
