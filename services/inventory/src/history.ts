import {
  type HistoryEntry,
  type inventory,
  noSuch,
  type RpcRequest,
  type RpcResponse,
} from '@rigel/contracts';
import { changedFields, chunksOfStream, originOf, type RecordedEvent } from '@rigel/event-store';
import { type Kysely, sql } from 'kysely';
import { eventTypes } from './event-types.js';

/** Events about a pool's nodes that one call looks through at most: those of two requests of the largest size. */
const MOST_NODE_EVENTS = 20_000;
/** Addresses that an entry names. */
const NAMED = 10;

/** Changes of a thing, newest first; see `inventory.history`. */
export async function readHistory(
  db: Kysely<unknown>,
  { kind, id, before = Number.MAX_SAFE_INTEGER, limit }: RpcRequest<typeof inventory.history>,
): Promise<RpcResponse<typeof inventory.history>> {
  const own = await ownEntries(db, `${kind}-${id}`);
  if (own.length === 0) throw noSuch(kind, id, `${kind} ${id} does not exist`);
  // One more than asked for says whether there are more.
  const nodes = kind === 'pool' ? await nodeEntries(db, id, before, limit + 1) : [];
  const seen = nodes.reduce((sum, entry) => sum + (entry.nodes ?? 0), 0);
  // There are older events of nodes than were looked at: the thing's own older changes stand after those.
  const cut = seen === MOST_NODE_EVENTS;
  const from = cut ? (nodes.at(-1)?.position ?? 0) : 0;
  const entries = [...own.filter(({ position }) => position < before && position > from), ...nodes]
    .sort((a, b) => b.position - a.position)
    .slice(0, limit + 1);
  return { entries: entries.slice(0, limit), more: cut || entries.length > limit };
}

const CHANGES: readonly [RegExp, HistoryEntry['change']][] = [
  [/(Created|Added)$/, 'created'],
  [/Changed$/, 'changed'],
  [/(Deleted|Removed)$/, 'deleted'],
  [/MachineAssigned$/, 'machine_assigned'],
];

/** The entries of the thing's own stream, oldest first. What a field was before follows from the events before. */
async function ownEntries(db: Kysely<unknown>, stream: string): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  const fields = new Map<string, unknown>();
  for await (const events of chunksOfStream(db, eventTypes, stream)) {
    for (const event of events) {
      const change = CHANGES.find(([pattern]) => pattern.test(event.type))?.[1] ?? 'changed';
      entries.push({
        position: event.position,
        version: event.version,
        time: event.recordedAt,
        ...originOf(event.meta),
        change,
        fields: change === 'deleted' ? [] : changedFields(fields, event),
      });
    }
  }
  return entries;
}

interface NodesChanged {
  position: number;
  type: 'NodeAdded' | 'NodeRemoved';
  meta: RecordedEvent['meta'];
  recorded_at: number;
  nodes: number;
  addresses: string[];
}

/**
 * Nodes that came into a pool or left it, newest first. Events of one transaction stand side by side in the history, so
 * those of one request and type are a row without a gap. The position of a row is that of its first event: a reader
 * goes on before it.
 */
async function nodeEntries(
  db: Kysely<unknown>,
  pool: number,
  before: number,
  limit: number,
): Promise<HistoryEntry[]> {
  const { rows } = await sql<NodesChanged>`
    SELECT min(position) AS position, type, meta, recorded_at, count(*)::int AS nodes,
      (array_agg(ip ORDER BY position))[1:${sql.lit(NAMED)}] AS addresses
    FROM (
      SELECT *, position + row_number() OVER (PARTITION BY type, meta, recorded_at ORDER BY position DESC) AS island
      FROM (
        SELECT position, type, meta, recorded_at, data->>'ip' AS ip
        FROM events
        WHERE type IN ('NodeAdded', 'NodeRemoved') AND data->>'pool_id' = ${String(pool)} AND position < ${before}
        ORDER BY data->>'pool_id', position DESC LIMIT ${MOST_NODE_EVENTS}
      ) AS latest
    ) AS numbered
    GROUP BY type, meta, recorded_at, island ORDER BY min(position) DESC LIMIT ${limit}`.execute(db);
  return rows.map(({ position, type, meta, recorded_at, nodes, addresses }) => ({
    position,
    time: recorded_at,
    ...originOf(meta),
    change: type === 'NodeAdded' ? 'nodes_added' : 'nodes_removed',
    fields: [],
    nodes,
    addresses,
  }));
}
