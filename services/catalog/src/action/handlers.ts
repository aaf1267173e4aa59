import { catalog, noSuch } from '@rigel/contracts';
import { readStamped, readStampedPage, stampOf } from '@rigel/event-store';
import type { Operations } from '@rigel/runtime';
import { contains } from '@rigel/runtime/database';
import { deleteImplsOf } from '../actimpl/delete-impls.js';
import { assertActionFree } from '../references.js';
import type { Store } from '../store.js';
import { COLUMNS } from '../tables.js';
import { actionDecider } from './decider.js';

const stream = (id: number): string => `action-${id}`;

/** Serves the operations on actions. */
export function serveActions(operations: Operations, store: Store): void {
  const { db } = store;

  const actions = () =>
    db.selectFrom('actions').select(COLUMNS.actions).select(stampOf('action', 'actions').as('stamp'));

  operations.serve(catalog.listActions, ({ name, ...page }) =>
    readStampedPage(db, actions().where(contains('name', name)).orderBy('id', 'desc'), page),
  );

  operations.serve(catalog.getAction, async ({ id }) => {
    const action = await readStamped(db, actions().where('id', '=', id));
    if (!action) throw noSuch('action', id, `action ${id} does not exist`);
    return action;
  });

  operations.serve(catalog.createAction, async ({ name, desc, params, managed_by }, context) => {
    return store.create(
      actionDecider,
      'action',
      (id) => ({ do: 'create' as const, id, name, desc, params, managed_by }),
      context,
    );
  });

  operations.serve(
    catalog.updateAction,
    async ({ id, name, desc, params, managed_by, if_version: ifVersion }, context) => {
      await store.record(
        actionDecider,
        { stream: stream(id), command: { do: 'change', id, name, desc, params, managed_by }, ifVersion },
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
