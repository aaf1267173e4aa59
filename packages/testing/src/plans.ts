import pg from 'pg';

/** A statement as it was sent to PostgreSQL. */
export interface Statement {
  text: string;
  values: unknown[];
}

/** A step of a plan, as EXPLAIN (FORMAT JSON) shows it, with the fields that are used here. */
interface PlanNode {
  'Node Type': string;
  Strategy?: string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  Filter?: string;
  Plans?: PlanNode[];
}

/** Collects all statements that this process sends to PostgreSQL during the work. */
export async function statementsOf(work: () => Promise<unknown>): Promise<Statement[]> {
  const sent: Statement[] = [];
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [first, second] = args;
    if (typeof first === 'string') sent.push({ text: first, values: Array.isArray(second) ? second : [] });
    else if (typeof first === 'object' && first !== null && 'text' in first) {
      const { text, values } = first as { text: string; values?: unknown[] };
      sent.push({ text, values: values ?? (Array.isArray(second) ? second : []) });
    }
    return Reflect.apply(query, this, args);
  } as typeof query;
  try {
    await work();
  } finally {
    pg.Client.prototype.query = query;
  }
  return sent;
}

/**
 * The steps of a statement's plan that read all rows of one of these tables: one line for each, none if there are none.
 * A scan of an index that holds all columns in question does not count; a scan of an index that reads every row does.
 * Counts are passed over: a count has to read all that it counts, with or without an index.
 */
export async function walksOf(
  client: pg.Client,
  { text, values }: Statement,
  tables: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
    `EXPLAIN (FORMAT JSON) ${text}`,
    values,
  );
  const walks: string[] = [];
  const look = (node: PlanNode): void => {
    const type = node['Node Type'];
    if (type === 'Aggregate' && node.Strategy === 'Plain') return;
    const table = node['Relation Name'] ?? '';
    if (tables.includes(table)) {
      if (type === 'Seq Scan') walks.push(`${type} of ${table}`);
      if (type === 'Index Scan' && !node['Index Cond'] && node.Filter) {
        walks.push(`${type} of ${table} by ${node['Index Name']} where ${node.Filter.slice(0, 200)}`);
      }
    }
    for (const part of node.Plans ?? []) look(part);
  };
  for (const { Plan } of rows[0]?.['QUERY PLAN'] ?? []) look(Plan);
  return walks;
}
