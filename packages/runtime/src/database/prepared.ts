import type { Compilable, CompiledQuery, Kysely } from 'kysely';
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

type Answered = (error: Error | null, result: pg.QueryResult) => void;

/** Stands for a value of a query while Kysely makes its text. */
class Place {
  constructor(readonly name: string) {}
}

/**
 * Declares a query that Kysely makes once, at its first use, and each connection parses once. Making the text of a small
 * query costs a service as much as reading the answer to it.
 * @param make makes the query. It passes the values on as they are, because it runs with places instead of values.
 * @returns runs the query with values.
 * @throws Error at the first use, when the text contains something else than the values as they are.
 */
export function preparedQuery<DB, Values extends object, Row>(
  make: (db: Kysely<DB>, values: Values) => Compilable<Row>,
): (db: Kysely<DB>, values: Values) => Promise<Row[]> {
  let compiled: CompiledQuery<Row> | undefined;
  let places: (keyof Values)[] = [];
  return async (db, values) => {
    if (compiled === undefined) {
      const made = make(db, placesOf<Values>()).compile();
      const { sql: text } = made;
      places = made.parameters.map((parameter) => {
        if (parameter instanceof Place) return parameter.name as keyof Values;
        throw new Error(`the prepared query "${text}" was made of the value ${String(parameter)}`);
      });
      prepared(text);
      compiled = made;
    }
    const parameters = places.map((name) => values[name]);
    return (await db.executeQuery<Row>({ ...compiled, parameters })).rows;
  };
}

/** An object whose every property is its place. */
const placesOf = <Values extends object>(): Values =>
  new Proxy({} as Values, { get: (_, name) => new Place(String(name)) });

/** A connection that runs the declared statements by name. */
export class PreparingClient extends pg.Client {
  /** As in pg; this one signature stands for its many. Only a text with values is changed. */
  override query(...[text, values, ...rest]: unknown[]): never {
    const query = super.query as (...args: unknown[]) => never;
    if (typeof text !== 'string' || !Array.isArray(values)) return query.call(this, text, values, ...rest);
    const name = names.get(text);
    if (name === undefined) return query.call(this, text, values, ...rest);
    // A Query, not the object { name, text, values }: pg copies such an object property by property for each query.
    const named = Object.assign(new pg.Query(text, values), { name });
    const [answered] = rest;
    if (typeof answered === 'function') return query.call(this, named, answered);
    return new Promise<pg.QueryResult>((resolve, reject) => {
      const settle: Answered = (error, result) => (error ? reject(error) : resolve(result));
      query.call(this, named, settle);
    }) as never;
  }
}
