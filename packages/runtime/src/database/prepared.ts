import pg from 'pg';

/** Names of the statements that are planned once in a connection, by their text. */
const names = new Map<string, string>();

/**
 * Declares a statement that PostgreSQL parses and plans once in each connection that runs it, and not anew each time. For
 * statements that run for every task: planning a small one costs more than running it.
 *
 * The plan is kept until the table's statistics change, so it must suit the table however large it has become by then: one that
 * looks for rows of a large table belongs to a pool that uses indexes whatever the size. And it names its columns: with `*` it
 * fails once a migration of the next release adds one.
 * @returns the text, by which the pools of `createPool` know it.
 */
export function prepared(text: string): string {
  if (!names.has(text)) names.set(text, `rigel_${names.size + 1}`);
  return text;
}

/** A connection that runs the declared statements by name. */
export class PreparingClient extends pg.Client {
  /** As in pg, whose many signatures it keeps by this one: only a text with values is looked at. */
  override query(...[text, values, ...rest]: unknown[]): never {
    const name = typeof text === 'string' && Array.isArray(values) ? names.get(text) : undefined;
    const query = super.query as (...args: unknown[]) => never;
    return name === undefined
      ? query.call(this, text, values, ...rest)
      : query.call(this, { name, text, values }, ...rest);
  }
}
