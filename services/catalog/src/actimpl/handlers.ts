import { type ActionImpl, catalog, ServiceError } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import { readPage } from '@rigel/runtime';
import { type Kysely, sql } from 'kysely';
import type { Store } from '../store.js';
import type { CatalogTables } from '../tables.js';
import { actionImplDecider } from './decider.js';
import { changesAtSaving } from './impl-template.js';
import { implStream } from './stream.js';

type Db = Kysely<CatalogTables>;

function implById(db: Db, id: number): Promise<ActionImpl | undefined> {
  return db.selectFrom('actimpls').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The implementation that stands for its action: the one that tasks would run, else the oldest. */
function implOfAction(db: Db, actionId: number): Promise<ActionImpl | undefined> {
  return db
    .selectFrom('actimpls')
    .selectAll()
    .where('action_id', '=', actionId)
    .orderBy(sql`(type = 'ansible')`, 'desc')
    .orderBy('id')
    .executeTakeFirst();
}

/** @throws ServiceError `not_found` */
async function idOfImplOfAction(db: Db, actionId: number): Promise<number> {
  const impl = await implOfAction(db, actionId);
  if (!impl) throw new ServiceError('not_found', `action ${actionId} has no implementation`);
  return impl.id;
}

/** Names of the parameters that an action declares, or the one that an implementation has now; none where there is none. */
async function declaredBy(db: Db, action: { id: number } | { ofImpl: number }): Promise<Set<string>> {
  const params = db.selectFrom('actions').select('params');
  const row = await ('id' in action
    ? params.where('id', '=', action.id)
    : params.where('id', '=', (of) =>
        of.selectFrom('actimpls').select('action_id').where('id', '=', action.ofImpl),
      )
  ).executeTakeFirst();
  return new Set(Object.keys(row?.params ?? {}));
}

function noted(template: Record<string, unknown> | undefined): { notes?: string[] } {
  const notes = template ? changesAtSaving(template) : [];
  return notes.length > 0 ? { notes } : {};
}

/** Serves the operations on implementations of actions. */
export function serveActionImpls(operations: Operations, store: Store): void {
  const { db } = store;

  operations.serve(catalog.listActionImpls, (page) =>
    readPage(db.selectFrom('actimpls').selectAll().orderBy('id', 'desc'), page),
  );

  operations.serve(catalog.getActionImpl, async ({ id, by }) => {
    const impl =
      (by !== 'impl' ? await implOfAction(db, id) : undefined) ??
      (by !== 'action' ? await implById(db, id) : undefined);
    if (impl) return impl;
    throw new ServiceError(
      'not_found',
      by === 'action' ? `action ${id} has no implementation` : `implementation ${id} does not exist`,
    );
  });

  operations.serve(catalog.createActionImpl, async ({ type, action_id, template }, context) => {
    const declared = await declaredBy(db, { id: action_id });
    const id = await store.create(
      actionImplDecider,
      'actimpl',
      (id) => ({ do: 'create' as const, id, action_id, type, template, declared }),
      context,
    );
    return { id, ...noted(template) };
  });

  operations.serve(catalog.updateActionImpl, async (request, context) => {
    const { by, action_id, type, template } = request;
    let id = request.id;
    if (by === 'action') id = await idOfImplOfAction(db, id);
    else if (by === undefined && action_id === id) id = (await implOfAction(db, id))?.id ?? id;
    const declared = await declaredBy(db, action_id === undefined ? { ofImpl: id } : { id: action_id });
    await store.record(
      actionImplDecider,
      implStream(id),
      { do: 'change', id, action_id, type, template, declared },
      context,
    );
    return noted(template);
  });

  operations.serve(catalog.deleteActionImpl, async (request, context) => {
    const id = request.by === 'action' ? await idOfImplOfAction(db, request.id) : request.id;
    await store.record(actionImplDecider, implStream(id), { do: 'delete', id }, context);
    return {};
  });
}
