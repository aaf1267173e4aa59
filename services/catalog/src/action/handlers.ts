import { catalog, ServiceError } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import { contains, readPage } from '@rigel/runtime/database';
import { deleteImplsOf } from '../actimpl/delete-impls.js';
import { assertActionFree } from '../references.js';
import type { Store } from '../store.js';
import { actionDecider } from './decider.js';

const stream = (id: number): string => `action-${id}`;

/** Serves the operations on actions. */
export function serveActions(operations: Operations, store: Store): void {
  const { db } = store;

  operations.serve(catalog.listActions, ({ name, ...page }) =>
    readPage(db.selectFrom('actions').selectAll().where(contains('name', name)).orderBy('id', 'desc'), page),
  );

  operations.serve(catalog.getAction, async ({ id }) => {
    const action = await db.selectFrom('actions').selectAll().where('id', '=', id).executeTakeFirst();
    if (!action) throw new ServiceError('not_found', `action ${id} does not exist`);
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

  operations.serve(catalog.updateAction, async ({ id, name, desc, params }, context) => {
    await store.record(
      actionDecider,
      stream(id),
      { do: 'change', id, name, desc, params },
      context,
      async (trx) => {
        if (name !== undefined) await assertActionFree(trx, id, name.trim());
      },
    );
    return {};
  });

  operations.serve(catalog.deleteAction, async ({ id }, context) => {
    await store.record(actionDecider, stream(id), { do: 'delete', id }, context, async (trx) => {
      await assertActionFree(trx, id);
      await deleteImplsOf(trx, id, context);
    });
    return {};
  });
}
