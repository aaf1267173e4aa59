import { NO_ADDRESS } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import { completeMachines } from '../migrations/0006-machines.js';
import type { InventoryTables } from '../tables.js';

/** The most machines that the log names. */
const NAMED = 20;

interface Collision {
  machine: string;
  nodes: { id: number; ip: string; pool: string }[];
}

/**
 * Machines that are in the inventory as several nodes: an earlier release took their addresses for different machines,
 * or the default SSH port has changed. The nodes stay, but only one task can hold the machine at a time.
 */
export async function findCollisions(db: Kysely<InventoryTables>, sshPort: number): Promise<Collision[]> {
  const port = `:${sshPort}`;
  const { rows } = await sql<Collision>`
    SELECT n.machine, json_agg(json_build_object('id', n.id, 'ip', n.ip, 'pool', pools.name) ORDER BY n.id) AS nodes
    FROM (
      SELECT id, ip, pool_id,
        CASE WHEN right(key, length(${port})) = ${port} THEN left(key, -length(${port})) ELSE key END AS machine
      FROM (SELECT id, ip, pool_id, coalesce(machine, ip) AS key FROM nodes) AS k
      WHERE key <> ${sql.lit(NO_ADDRESS)}
    ) AS n JOIN pools ON pools.id = n.pool_id
    GROUP BY n.machine HAVING count(*) > 1 ORDER BY min(n.id)`.execute(db);
  return rows;
}

/**
 * Logs once, in the background of the start, which nodes are one machine and what to do. @returns a function that ends
 * it.
 */
export function tellCollisions(
  db: Kysely<InventoryTables>,
  sshPort: number,
  log: Logger,
): () => Promise<void> {
  const told = (async () => {
    await completeMachines(db as unknown as Kysely<unknown>);
    const collisions = await findCollisions(db, sshPort);
    for (const { machine, nodes } of collisions.slice(0, NAMED)) {
      const names = nodes.map(({ id, ip, pool }) => `node ${id} (${ip}, pool ${pool})`).join(', ');
      log.warn(
        { machine, nodes: nodes.map(({ id }) => id) },
        `one machine stands in the inventory as ${nodes.length} nodes: ${names}; tasks get it one at a time; remove all but one of them from their pools`,
      );
    }
    if (collisions.length > NAMED)
      log.warn(
        { machines: collisions.length - NAMED },
        'further machines are in the inventory as several nodes',
      );
  })().catch((error: unknown) => log.warn({ err: error }, 'checking which nodes are one machine failed'));
  return () => told;
}
