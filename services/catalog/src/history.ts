import {
  type CatalogChange,
  type catalog,
  noSuch,
  type RpcRequest,
  type RpcResponse,
} from '@rigel/contracts';
import { changedFields, chunksOfStream, originOf } from '@rigel/event-store';
import { type Kysely, sql } from 'kysely';
import { implStream } from './actimpl/stream.js';
import { eventTypes } from './event-types.js';

/** Implementations of one action whose changes are read; no person makes as many. */
const MOST_IMPLS = 100;

/** Changes of a thing, newest first; see `catalog.history`. */
export async function readHistory(
  db: Kysely<unknown>,
  { kind, id, before = Number.MAX_SAFE_INTEGER, limit }: RpcRequest<typeof catalog.history>,
): Promise<RpcResponse<typeof catalog.history>> {
  const own = await entriesOf(db, `${kind}-${id}`);
  if (own.length === 0) throw noSuch(kind, id, `${kind.replace('_', ' ')} ${id} does not exist`);
  const entries = [...own, ...(kind === 'action' ? await implEntries(db, id) : [])]
    .filter(({ position }) => position < before)
    .sort((a, b) => b.position - a.position);
  return { entries: entries.slice(0, limit), more: entries.length > limit };
}

type Verb = 'created' | 'changed' | 'deleted';
const verbOf = (type: string): Verb =>
  (/(Created|Changed|Deleted)$/.exec(type)?.[0] ?? 'changed').toLowerCase() as Verb;

/** The entries of one stream, oldest first. What a field was before follows from the events before. */
async function entriesOf(db: Kysely<unknown>, stream: string): Promise<(CatalogChange & { change: Verb })[]> {
  const entries: (CatalogChange & { change: Verb })[] = [];
  const fields = new Map<string, unknown>();
  for await (const events of chunksOfStream(db, eventTypes, stream)) {
    for (const event of events) {
      const change = verbOf(event.type);
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

/**
 * The changes of the implementations that the action ever had, as far as they were its own: an implementation that
 * moved to another action leaves this one's history with the move.
 */
async function implEntries(db: Kysely<unknown>, actionId: number): Promise<CatalogChange[]> {
  const { rows } = await sql<{ stream: string }>`
    SELECT DISTINCT stream FROM events
    WHERE type IN ('ActionImplCreated', 'ActionImplChanged') AND data->>'action_id' = ${String(actionId)}
    ORDER BY stream LIMIT ${MOST_IMPLS}`.execute(db);
  const entries: CatalogChange[] = [];
  for (const { stream } of rows) {
    let owner: unknown;
    for (const entry of await entriesOf(db, stream)) {
      const was = owner;
      owner = entry.fields.find(({ name }) => name === 'action_id')?.after ?? owner;
      if (owner !== actionId && was !== actionId) continue;
      entries.push({
        ...entry,
        change: `implementation_${entry.change}`,
        implementation: Number(stream.slice(implStream(0).length - 1)),
      });
    }
  }
  return entries;
}
