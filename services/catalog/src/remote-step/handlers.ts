import { catalog, ServiceError } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import { contains, readPage } from '@rigel/runtime/database';
import { assertRemoteStepFree } from '../references.js';
import type { Store } from '../store.js';
import { remoteStepDecider } from './decider.js';

const stream = (id: number): string => `remote_step-${id}`;

/** Serves the operations on remote steps. */
export function serveRemoteSteps(operations: Operations, store: Store): void {
  const { db } = store;

  operations.serve(catalog.listRemoteSteps, ({ name, ...page }) =>
    readPage(
      db.selectFrom('remote_steps').selectAll().where(contains('name', name)).orderBy('id', 'desc'),
      page,
    ),
  );

  operations.serve(catalog.getRemoteStep, async ({ id }) => {
    const step = await db.selectFrom('remote_steps').selectAll().where('id', '=', id).executeTakeFirst();
    if (!step) throw new ServiceError('not_found', `remote step ${id} does not exist`);
    return step;
  });

  operations.serve(catalog.createRemoteStep, async ({ name, desc, actions }, context) => {
    return store.create(
      remoteStepDecider,
      'remote_step',
      (id) => ({ do: 'create' as const, id, name, desc, actions }),
      context,
    );
  });

  operations.serve(catalog.updateRemoteStep, async ({ id, name, desc, actions }, context) => {
    await store.record(
      remoteStepDecider,
      stream(id),
      { do: 'change', id, name, desc, actions },
      context,
      async (trx) => {
        if (name !== undefined) await assertRemoteStepFree(trx, id, name.trim());
      },
    );
    return {};
  });

  operations.serve(catalog.deleteRemoteStep, async ({ id }, context) => {
    await store.record(remoteStepDecider, stream(id), { do: 'delete', id }, context, (trx) =>
      assertRemoteStepFree(trx, id),
    );
    return {};
  });
}
