import type { Stamp } from '@rigel/contracts';
import { type PageRequest, preparedQuery, readPage } from '@rigel/runtime/database';
import { type Compilable, type Kysely, type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';

/*
 * The version of a thing is read from its stream, in the statement that reads its row. A column of the read table would
 * be wrong after a process of an earlier release, which does not know the column, had changed the thing.
 */

/** A row with the stamp that `stampOf` selects. */
type Stamped<Row> = Row & { stamp: Stamp | null };

/**
 * SQL expression for the last change of the row's thing, one look-up in the index of the streams.
 * @param table has the column `id`. @param kind first part of the stream's name: `pool` of `pool-7`.
 */
export function stampOf(kind: string, table: string): RawBuilder<Stamp | null> {
  return sql<Stamp | null>`(
    SELECT json_build_object('version', version, 'updated_at', recorded_at, 'updated_by', meta->>'actor')
    FROM events WHERE stream = ${sql.lit(`${kind}-`)} || ${sql.ref(`${table}.id`)}::text ORDER BY version DESC LIMIT 1)`;
}

/** A row with the fields of its stamp. */
type WithStamp<Row> = Omit<Row, 'stamp'> & Stamp;

function withStamp<Row extends Stamped<object>>({ stamp, ...row }: Row): WithStamp<Row> {
  return { ...row, ...stamp } as WithStamp<Row>;
}

/*
 * The statements are prepared: planning the look-up in the events costs several times as much as the look-up. So their
 * queries name their columns, and are made of few texts.
 */

/**
 * Declares how one row with its stamp is read.
 * @param make a query that selects a stamp; see `preparedQuery`.
 * @returns reads the first row of the query with these values.
 */
export function stampedReader<DB, Values extends object, Row extends Stamped<object>>(
  make: (db: Kysely<DB>, values: Values) => Compilable<Row>,
): (db: Kysely<DB>, values: Values) => Promise<WithStamp<Row> | undefined> {
  const read = preparedQuery(make);
  return async (db, values) => {
    const [row] = await read(db, values);
    return row && withStamp(row);
  };
}

/** A page of an ordered query of one table that selects a stamp, and the number of all its rows. */
export async function readStampedPage<DB, Table extends keyof DB, Row extends Stamped<object>>(
  db: Kysely<DB>,
  query: SelectQueryBuilder<DB, Table, Row>,
  page: PageRequest,
): Promise<{ rows: WithStamp<Row>[]; total: number }> {
  const { rows, total } = await readPage(query, page, { preparedIn: db as unknown as Kysely<never> });
  return { rows: rows.map(withStamp), total };
}
