import { append, metaOf, type NewEvent, readStreams } from '@rigel/event-store';
import type { RequestContext } from '@rigel/messaging';
import type { Transaction } from 'kysely';
import { eventTypes } from '../event-types.js';
import { project } from '../projection.js';
import type { CatalogTables } from '../tables.js';
import { implStream } from './stream.js';

/**
 * Deletes the implementations of an action that is being deleted, in the same transaction. It appends after the
 * action's own event, so no other writer can append to their streams in between.
 */
export async function deleteImplsOf(
  trx: Transaction<CatalogTables>,
  actionId: number,
  context: RequestContext,
): Promise<void> {
  const untyped = trx as unknown as Transaction<unknown>;
  const impls = await trx
    .selectFrom('actimpls')
    .select('id')
    .where('action_id', '=', actionId)
    .orderBy('id')
    .execute();
  const histories = await readStreams(
    untyped,
    eventTypes,
    impls.map(({ id }) => implStream(id)),
  );
  const deleted = await append<NewEvent>(
    untyped,
    eventTypes,
    impls.map(({ id }) => ({
      stream: implStream(id),
      expectedVersion: histories.get(implStream(id))?.length ?? 0,
      events: [{ type: 'ActionImplDeleted', data: { id } }],
      meta: metaOf(context),
    })),
    Date.now(),
  );
  await project(untyped, deleted);
}
