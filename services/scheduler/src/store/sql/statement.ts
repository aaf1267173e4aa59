import { CompiledQuery, type Kysely } from 'kysely';

/** An SQL statement with parameters by name. */
export interface Statement<Parameters, Row> {
  readonly text: string;
  /** The values of $1, $2 … in the text. */
  readonly values: (parameters: Parameters) => unknown[];
  /** Only in the type: the rows that it returns. */
  readonly row?: Row;
}

/** Pairs a text with the order of its parameters: `statement<{ id: number }, { name: string }>('…', ({ id }) => [id])`. */
export function statement<Parameters, Row = never>(
  text: string,
  values: (parameters: Parameters) => unknown[],
): Statement<Parameters, Row> {
  return { text, values };
}

/** Runs a statement. @returns its rows */
export async function run<Parameters, Row>(
  db: Kysely<unknown>,
  { text, values }: Statement<Parameters, Row>,
  parameters: Parameters,
): Promise<Row[]> {
  return (await db.executeQuery<Row>(CompiledQuery.raw(text, values(parameters)))).rows;
}
