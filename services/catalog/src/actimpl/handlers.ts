import { type ActionImpl, catalog, noSuch, ServiceError } from '@rigel/contracts';
import { readStampedPage, stampedReader, stampOf } from '@rigel/event-store';
import type { RequestContext } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import { type Kysely, sql } from 'kysely';
import { assertImplFree } from '../references.js';
import type { Store } from '../store.js';
import { type CatalogTables, COLUMNS } from '../tables.js';
import { actionImplDecider } from './decider.js';
import { changesAtSaving } from './impl-template.js';
import { implStream } from './stream.js';

type Db = Kysely<CatalogTables>;

const impls = (db: Db) =>
  db.selectFrom('actimpls').select(COLUMNS.actimpls).select(stampOf('actimpl', 'actimpls').as('stamp'));

const readImpl = stampedReader((db: Db, { id }: { id: number }) => impls(db).where('id', '=', id));

const implById = (db: Db, id: number): Promise<ActionImpl | undefined> => readImpl(db, { id });

const readImplOfAction = stampedReader((db: Db, { actionId }: { actionId: number }) =>
  impls(db)
    .where('action_id', '=', actionId)
    .orderBy(sql`(type = 'ansible')`, 'desc')
    .orderBy('id')
    .limit(sql.lit(1)),
);

/** The implementation that represents its action: the one that tasks would run, or else the oldest. */
const implOfAction = (db: Db, actionId: number): Promise<ActionImpl | undefined> =>
  readImplOfAction(db, { actionId });

/** @throws ServiceError `not_found` */
async function idOfImplOfAction(db: Db, actionId: number): Promise<number> {
  const impl = await implOfAction(db, actionId);
  if (!impl) throw noImplementation(actionId);
  return impl.id;
}

const noImplementation = (actionId: number): ServiceError =>
  new ServiceError('not_found', `action ${actionId} has no implementation`);

async function actionExists(db: Db, id: number): Promise<boolean> {
  return (await db.selectFrom('actions').select('id').where('id', '=', id).executeTakeFirst()) !== undefined;
}

/**
 * Names of the parameters that an action declares (the given one, or that of an implementation); none if there is no
 * action.
 */
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
    readStampedPage(db, impls(db).orderBy('id', 'desc'), page),
  );

  operations.serve(catalog.getActionImpl, async ({ id, by }) => {
    const ofAction = by !== 'impl' ? await implOfAction(db, id) : undefined;
    if (ofAction) return ofAction;
    // The id of an action never shows an implementation of another action: a client that saves it would take it away
    // from that one.
    if (by === 'action' || (by === undefined && (await actionExists(db, id)))) throw noImplementation(id);
    const impl = await implById(db, id);
    if (impl) return impl;
    throw noSuch('implementation', id, `implementation ${id} does not exist`);
  });

  const create = async (
    fields: Pick<ActionImpl, 'action_id' | 'type' | 'template'>,
    context: RequestContext,
  ): Promise<{ id: number; notes?: string[] }> => {
    const declared = await declaredBy(db, { id: fields.action_id });
    return store.create(
      actionImplDecider,
      'actimpl',
      (id) => ({ do: 'create' as const, id, ...fields, declared }),
      context,
      undefined,
      (id) => ({ id, ...noted(fields.template) }),
    );
  };

  operations.serve(catalog.createActionImpl, ({ type, action_id, template }, context) =>
    create({ type, action_id, template }, context),
  );

  operations.serve(catalog.updateActionImpl, async (request, context) => {
    const { by, action_id, type, template, if_version: ifVersion } = request;
    const change = async (id: number): Promise<void> => {
      const declared = await declaredBy(db, action_id === undefined ? { ofImpl: id } : { id: action_id });
      const command = { do: 'change' as const, id, action_id, type, template, declared };
      await store.record(actionImplDecider, { stream: implStream(id), command, ifVersion }, context, (trx) =>
        assertImplFree(trx, id, { action_id, type }),
      );
    };
    if (by === undefined && action_id === request.id) {
      const impl = await implOfAction(db, action_id);
      if (impl) await change(impl.id);
      else if (type === undefined || template === undefined) {
        const missing = [type === undefined ? 'type' : [], template === undefined ? 'template' : []].flat();
        throw new ServiceError(
          'missing',
          `action ${action_id} has no implementation: to make one, ${missing.join(' and ')} must be given`,
          missing[0],
        );
      } else await create({ type, action_id, template }, context);
    } else await change(by === 'action' ? await idOfImplOfAction(db, request.id) : request.id);
    return noted(template);
  });

  operations.serve(catalog.deleteActionImpl, async (request, context) => {
    const id = request.by === 'action' ? await idOfImplOfAction(db, request.id) : request.id;
    const command = { do: 'delete' as const, id };
    const ifVersion = request.if_version;
    await store.record(actionImplDecider, { stream: implStream(id), command, ifVersion }, context, (trx) =>
      assertImplFree(trx, id),
    );
    return {};
  });
}
