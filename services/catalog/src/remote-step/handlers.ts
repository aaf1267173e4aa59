import { catalog, noSuch } from '@rigel/contracts';
import { readStampedPage, stampedReader, stampOf } from '@rigel/event-store';
import type { Operations } from '@rigel/runtime';
import { contains } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import { assertRemoteStepFree } from '../references.js';
import type { Store } from '../store.js';
import { type CatalogTables, COLUMNS } from '../tables.js';
import { remoteStepDecider } from './decider.js';

const stream = (id: number): string => `remote_step-${id}`;

const steps = (db: Kysely<CatalogTables>) =>
  db
    .selectFrom('remote_steps')
    .select(COLUMNS.remote_steps)
    .select(stampOf('remote_step', 'remote_steps').as('stamp'));

const stepById = stampedReader((db: Kysely<CatalogTables>, { id }: { id: number }) =>
  steps(db).where('id', '=', id),
);

/** Serves the operations on remote steps. */
export function serveRemoteSteps(operations: Operations, store: Store): void {
  const { db } = store;

  operations.serve(catalog.listRemoteSteps, ({ name, ...page }) =>
    readStampedPage(db, steps(db).where(contains('name', name)).orderBy('id', 'desc'), page),
  );

  operations.serve(catalog.getRemoteStep, async ({ id }) => {
    const step = await stepById(db, { id });
    if (!step) throw noSuch('remote_step', id, `remote step ${id} does not exist`);
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

  operations.serve(
    catalog.updateRemoteStep,
    async ({ id, name, desc, actions, if_version: ifVersion }, context) => {
      await store.record(
        remoteStepDecider,
        { stream: stream(id), command: { do: 'change', id, name, desc, actions }, ifVersion },
        context,
        async (trx) => {
          if (name !== undefined) await assertRemoteStepFree(trx, id, name.trim());
        },
      );
      return {};
    },
  );

  operations.serve(catalog.deleteRemoteStep, async ({ id, if_version: ifVersion }, context) => {
    const command = { do: 'delete' as const, id };
    await store.record(remoteStepDecider, { stream: stream(id), command, ifVersion }, context, (trx) =>
      assertRemoteStepFree(trx, id),
    );
    return {};
  });
}
