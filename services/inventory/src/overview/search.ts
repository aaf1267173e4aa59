import { FOUND_OF_A_KIND, type Found } from '@rigel/contracts';
import { type Kysely, type RawBuilder, sql } from 'kysely';

type FoundOne = Found & { kind: string };

/** After every text that begins with another: the last character that there is. */
const LAST = '\u{10FFFF}';

/**
 * Objects of the fleet whose id, name, address or machine is the text, then those whose name has it in it, or whose
 * address or machine begins with it. Nodes are found by indexes; the other tables are small.
 */
export async function searchFleet(
  db: Kysely<unknown>,
  q: string,
  kinds: readonly string[],
): Promise<FoundOne[]> {
  const text = q.trim();
  if (text === '') return [];
  const id = /^#?(\d{1,15})$/.exec(text)?.[1];
  const wanted = { text, id: id === undefined ? null : Number(id) };
  const asked: Record<string, RawBuilder<FoundOne>> = {
    node: nodes(wanted),
    pool: named('pool', sql`(SELECT name FROM services WHERE id = o.service_id)`, wanted),
    service: named('service', sql`(SELECT name FROM clusters WHERE id = o.cluster_id)`, wanted),
    cluster: named('cluster', sql`o.biz`, wanted),
  };
  const found = await Promise.all(
    Object.entries(asked)
      .filter(([kind]) => kinds.includes(kind))
      .map(([, query]) => query.execute(db)),
  );
  return found.flatMap(({ rows }) => rows);
}

interface Wanted {
  text: string;
  id: number | null;
}

function named(kind: string, detail: RawBuilder<unknown>, { text, id }: Wanted): RawBuilder<FoundOne> {
  return sql<FoundOne>`
    SELECT ${sql.lit(kind)} AS kind, o.id, o.name, ${detail} AS detail, (o.id = ${id}::bigint OR o.name = ${text}) IS TRUE AS exact
    FROM ${sql.table(`${kind}s`)} o
    WHERE o.id = ${id}::bigint OR strpos(lower(o.name), lower(${text})) > 0
    ORDER BY exact DESC, length(o.name), o.id LIMIT ${sql.lit(FOUND_OF_A_KIND)}`;
}

/** Each way to find a node is a walk along one index that ends after a few rows. */
function nodes({ text, id }: Wanted): RawBuilder<FoundOne> {
  const limit = sql.lit(FOUND_OF_A_KIND);
  const till = `${text}${LAST}`;
  return sql<FoundOne>`
    SELECT 'node' AS kind, n.id, CASE WHEN n.ip = '-' THEN n.vm_id ELSE n.ip END AS name,
      (SELECT name FROM pools WHERE id = n.pool_id) || CASE WHEN n.vm_id = '' THEN '' ELSE ' · ' || n.vm_id END AS detail,
      n.exact
    FROM (
      SELECT DISTINCT ON (id) * FROM (
        (SELECT id, ip, vm_id, pool_id, true AS exact FROM nodes WHERE id = ${id}::bigint)
        UNION ALL
        (SELECT id, ip, vm_id, pool_id, ip = ${text} AS exact FROM nodes
          WHERE ip ~>=~ ${text} AND ip ~<~ ${till} ORDER BY ip USING ~<~ LIMIT ${limit})
        UNION ALL
        (SELECT id, ip, vm_id, pool_id, vm_id = ${text} AS exact FROM nodes
          WHERE vm_id <> '' AND vm_id ~>=~ ${text} AND vm_id ~<~ ${till} ORDER BY vm_id USING ~<~ LIMIT ${limit})
      ) AS ways ORDER BY id, exact DESC
    ) AS n
    ORDER BY n.exact DESC, n.ip, n.id LIMIT ${limit}`;
}
