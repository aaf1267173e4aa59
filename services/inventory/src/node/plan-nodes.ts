import { type inventory, type Labels, NO_ADDRESS, type NodeType, type RpcRequest } from '@rigel/contracts';
import { databaseAnswers, KeyTaken, replaceAnswer } from '@rigel/event-store';
import type { AskedOnce, RequestContext } from '@rigel/messaging';
import { type Kysely, sql } from 'kysely';
import type { Store } from '../store.js';
import { nodeDecider } from './decider.js';

/** Another request may plan nodes with the same key at the same time. */
const MAX_TRIES = 5;

/**
 * Adds nodes whose machines are still to be made. A repeated request (same key) gets the nodes of the first one, as
 * long as they have no machine: the scheduler died before it created a task over them, or it gave up and removed them.
 * So this key works differently from others: it counts whether the nodes exist.
 * @param labels those of the pool.
 * @returns their ids, ascending.
 */
export async function planNodes(
  store: Store,
  { pool_id, count, node_type, once, labels }: RpcRequest<typeof inventory.planNodes> & { labels: Labels },
  context: RequestContext,
): Promise<number[]> {
  const plan = (id: number) => ({ do: 'plan' as const, id, pool_id, node_type, labels });
  if (!once) return store.create(nodeDecider, 'node', count, plan, context, { answer: (ids) => ids });
  for (let attempt = 1; ; attempt++) {
    try {
      return await planOnce(store, { pool_id, count, plan, asked: { ...once, at: Date.now() } }, context);
    } catch (error) {
      // Another request with the key has added nodes meanwhile: take those.
      if (!(error instanceof KeyTaken) || attempt === MAX_TRIES) throw error;
    }
  }
}

type Plan = { do: 'plan'; id: number; pool_id: number; node_type: NodeType; labels: Labels };

async function planOnce(
  store: Store,
  {
    pool_id,
    count,
    plan,
    asked,
  }: { pool_id: number; count: number; plan: (id: number) => Plan; asked: AskedOnce },
  context: RequestContext,
): Promise<number[]> {
  const kept = await databaseAnswers(store.db as Kysely<unknown>).find(asked.key, asked.at);
  const before = kept?.request === asked.request ? (kept.answer as number[]) : [];
  const waiting = await stillPlanned(store, pool_id, before.slice(0, count));
  if (waiting.length === count) return waiting;
  const all = (ids: readonly number[]): number[] => [...waiting, ...ids];
  const added = await store.create(
    nodeDecider,
    'node',
    count - waiting.length,
    plan,
    { ...context, once: asked },
    { answer: all, keep: replaceAnswer(kept?.answer) },
  );
  return all(added);
}

/** The nodes that are still in the pool and have no machine. */
async function stillPlanned(store: Store, poolId: number, ids: readonly number[]): Promise<number[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM nodes WHERE id = ANY(${ids}::bigint[]) AND pool_id = ${poolId} AND ip = ${NO_ADDRESS} AND vm_id = ''
    ORDER BY id`.execute(store.db);
  return rows.map(({ id }) => id);
}
