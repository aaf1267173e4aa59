import { assertConfirmed, ServiceError, show, tasks } from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import { sql } from 'kysely';
import type { Store } from '../store.js';
import { nodeDecider } from './decider.js';
import { nodesByAddress, poolOfNodes, streamOf } from './node-rows.js';

/** How long the scheduler holds the nodes. */
const HOLD_MS = 60_000;
/**
 * The part of that time on which the removal relies. The rest is for the commit, for schedulers whose clocks differ,
 * and for tasks that still saw the node and must find it held.
 */
const RELY_MS = 30_000;

/**
 * Removes nodes from a pool, all or none. The scheduler holds them first, so that no task can begin on a node that is
 * being removed. If the scheduler does not answer, nothing changes.
 */
export async function removeNodes(
  store: Store,
  bus: Bus,
  request: { pool_id: number; nodes: (string | number)[]; confirm?: string },
  context: RequestContext,
): Promise<void> {
  const { pool_id } = request;
  assertConfirmed(await poolOfNodes(store.db, pool_id), request.confirm);
  const ids = await resolveEntries(store, pool_id, request.nodes);
  const reliedUntil = Date.now() + RELY_MS;
  await bus.call(tasks.reserveNodes, { node_ids: ids, ttl_ms: HOLD_MS }, context);
  await store.record(
    nodeDecider,
    ids.map((id) => ({ stream: streamOf(id), command: { do: 'remove', id, pool_id } })),
    context,
    () => {
      if (Date.now() < reliedUntil) return;
      throw new ServiceError('unavailable', 'the removal took longer than the nodes were held: try again');
    },
  );
}

/**
 * Ids of the nodes that the entries name, each once. A number or a string of digits is an id, everything else an
 * address.
 */
async function resolveEntries(
  store: Store,
  pool_id: number,
  entries: readonly (string | number)[],
): Promise<number[]> {
  if (entries.length === 0) throw new ServiceError('blank', 'nodes must not be empty', 'nodes');
  const named = entries.map((entry) => {
    const text = String(entry).trim();
    return typeof entry === 'number' || /^\d+$/.test(text) ? Number(text) : text;
  });
  const ids = named.filter((entry) => typeof entry === 'number' && Number.isSafeInteger(entry));
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM nodes WHERE pool_id = ${pool_id} AND id = ANY(${ids}::bigint[])`.execute(store.db);
  const members = new Set(rows.map(({ id }) => id));
  const byAddress = await nodesByAddress(
    store.db,
    named.filter((entry) => typeof entry === 'string'),
    store.sshPort,
  );
  const found = named.map((entry) => {
    const nodes = typeof entry === 'string' ? byAddress.get(entry)?.nodes : undefined;
    const node = nodes?.find((one) => one.pool_id === pool_id);
    if (node) return node.id;
    if (typeof entry === 'number' && members.has(entry)) return entry;
    throw new ServiceError('not_of_pool', `nodes: ${show(entry)} is not a node of pool ${pool_id}`, 'nodes', {
      value: entry,
      data: { pool_id },
    });
  });
  return [...new Set(found)];
}
