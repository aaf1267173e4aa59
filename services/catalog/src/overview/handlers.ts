import { type CatalogOverview, FOUND_OF_A_KIND, type Found, overview, search } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import { type Kysely, sql } from 'kysely';

const TABLES = { template: 'templates', action: 'actions', step: 'remote_steps' } as const;

/** Serves how much the catalog has, and the search in it. Its tables are small: people write their rows. */
export function serveOverview(operations: Operations, db: Kysely<unknown>): void {
  operations.serve(overview.catalog, async () => {
    const { rows } = await sql<CatalogOverview>`
      SELECT (SELECT count(*)::int FROM actions) AS actions, (SELECT count(*)::int FROM actimpls) AS implementations,
        (SELECT count(*)::int FROM remote_steps) AS steps, (SELECT count(*)::int FROM templates) AS templates`.execute(
      db,
    );
    return rows[0] as CatalogOverview;
  });
  operations.serve(search.catalog, async ({ q, kinds }) => {
    const text = q.trim();
    if (text === '') return { found: [] };
    const wanted = Object.entries(TABLES).filter(([kind]) => kinds.includes(kind));
    const found = await Promise.all(wanted.map(([kind, table]) => find(db, kind, table, text)));
    return { found: found.flat() };
  });
}

async function find(db: Kysely<unknown>, kind: string, table: string, text: string) {
  const id = /^#?(\d{1,15})$/.exec(text)?.[1];
  const { rows } = await sql<Found & { kind: string }>`
    SELECT ${kind} AS kind, id, name, left("desc", 100) AS detail, (id = ${id ?? null}::bigint OR name = ${text}) IS TRUE AS exact
    FROM ${sql.table(table)}
    WHERE id = ${id ?? null}::bigint OR strpos(lower(name), lower(${text})) > 0
    ORDER BY exact DESC, length(name), id LIMIT ${sql.lit(FOUND_OF_A_KIND)}`.execute(db);
  return rows;
}
