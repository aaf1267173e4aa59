import { catalog, noSuch } from '@rigel/contracts';
import { readStampedPage, stampedReader, stampOf } from '@rigel/event-store';
import type { Operations } from '@rigel/runtime';
import { contains } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import { deleteImplsOf } from '../actimpl/delete-impls.js';
import { assertActionFree } from '../references.js';
import type { Store } from '../store.js';
import { type CatalogTables, COLUMNS } from '../tables.js';
import { actionDecider } from './decider.js';

const stream = (id: number): string => `action-${id}`;

const actions = (db: Kysely<CatalogTables>) =>
  db.selectFrom('actions').select(COLUMNS.actions).select(stampOf('action', 'actions').as('stamp'));

const actionById = stampedReader((db: Kysely<CatalogTables>, { id }: { id: number }) =>
  actions(db).where('id', '=', id),
);

/** Serves the operations on actions. */
export function serveActions(operations: Operations, store: Store): void {
  const { db } = store;

  operations.serve(catalog.listActions, ({ name, ...page }) =>
    readStampedPage(db, actions(db).where(contains('name', name)).orderBy('id', 'desc'), page),
  );

  operations.serve(catalog.getAction, async ({ id }) => {
    const action = await actionById(db, { id });
    if (!action) throw noSuch('action', id, `action ${id} does not exist`);
    return action;
  });

  operations.serve(catalog.createAction, async ({ name, desc, params }, context) => {
    return store.create(
      actionDecider,
      'action',
      (id) => ({ do: 'create' as const, id, name, desc, params }),
      context,
    );
  });

  operations.serve(
    catalog.updateAction,
    async ({ id, name, desc, params, if_version: ifVersion }, context) => {
      await store.record(
        actionDecider,
        { stream: stream(id), command: { do: 'change', id, name, desc, params }, ifVersion },
        context,
        async (trx) => {
          if (name !== undefined) await assertActionFree(trx, id, name.trim());
        },
      );
      return {};
    },
  );

  operations.serve(catalog.deleteAction, async ({ id, if_version: ifVersion }, context) => {
    const command = { do: 'delete' as const, id };
    await store.record(actionDecider, { stream: stream(id), command, ifVersion }, context, async (trx) => {
      await assertActionFree(trx, id);
      await deleteImplsOf(trx, id, context);
    });
    return {};
  });
}
