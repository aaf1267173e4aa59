import type { Compilable, Kysely } from 'kysely';
import pg from 'pg';

/** Names of the prepared statements, by their text. */
const names = new Map<string, string>();

/**
 * Declares a statement that each connection parses and plans once. For statements that run for every task: planning a
 * small statement costs more than running it.
 *
 * PostgreSQL keeps the plan until the table's statistics change, so the plan must suit a table that has grown since. A
 * statement that searches a large table belongs to a pool that always uses indexes. The statement names its columns:
 * with `*` it fails when a migration of the next release adds one.
 * @returns the text, by which the pools of `createPool` recognise the statement.
 */
export function prepared(text: string): string {
  if (!names.has(text)) names.set(text, `rigel_${names.size + 1}`);
  return text;
}

/**
 * Runs a query that each connection parses and plans once; see `prepared`. For queries that are made of few texts: each
 * text stays declared.
 */
export async function runPrepared<Row>(db: Kysely<never>, query: Compilable<Row>): Promise<Row[]> {
  const compiled = query.compile();
  prepared(compiled.sql);
  return (await db.executeQuery(compiled)).rows;
}

/** A connection that runs the declared statements by name. */
export class PreparingClient extends pg.Client {
  /** As in pg; this one signature stands for its many. Only a text with values is changed. */
  override query(...[text, values, ...rest]: unknown[]): never {
    const name = typeof text === 'string' && Array.isArray(values) ? names.get(text) : undefined;
    const query = super.query as (...args: unknown[]) => never;
    return name === undefined
      ? query.call(this, text, values, ...rest)
      : query.call(this, { name, text, values }, ...rest);
  }
}
