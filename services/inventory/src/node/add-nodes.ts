import { ServiceError, show } from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import { sql } from 'kysely';
import type { Store } from '../store.js';
import { readAddresses } from './address.js';
import { nodeDecider } from './decider.js';
import { assertPool } from './node-rows.js';

/** Shown of a list that may be long. */
const SHOWN = 3;

/** What a request is answered that entered nodes. */
const answerIds = (ids: readonly number[]): { ids: number[] } => ({ ids: [...ids] });

/**
 * Enters nodes by hand, all or none, ten thousand at once if need be.
 * @returns their ids, in the order of the addresses.
 */
export async function addNodes(
  store: Store,
  { pool_id, nodes }: { pool_id: number; nodes: string[] },
  context: RequestContext,
): Promise<{ ids: number[] }> {
  await assertPool(store.db, pool_id);
  const addresses = readAddresses(nodes);
  await refuseTaken(store, addresses);
  const ids = await store.create(
    nodeDecider,
    'node',
    addresses.length,
    (id, index) => ({ do: 'enter' as const, id, pool_id, ip: addresses[index] as string }),
    context,
    { answer: answerIds },
  );
  return answerIds(ids);
}

/** Names the addresses that are taken; the unique index refuses those that become so in between. */
async function refuseTaken(store: Store, addresses: string[]): Promise<void> {
  // Materialized, or PostgreSQL expects to meet some soon and goes through all nodes in the order of their ids.
  const { rows } = await sql<{ ip: string }>`
    WITH taken AS MATERIALIZED (SELECT id, ip FROM nodes WHERE ip = ANY(${addresses}) AND ip <> '-')
    SELECT ip FROM taken ORDER BY id LIMIT ${SHOWN}`.execute(store.db);
  if (rows.length === 0) return;
  const taken = rows.map(({ ip }) => show(ip)).join(', ');
  throw new ServiceError('conflict', `nodes: already the address of a node: ${taken}`, 'nodes');
}
