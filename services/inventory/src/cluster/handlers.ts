import { inventory, noSuch } from '@rigel/contracts';
import { readStampedPage, stampedReader, stampOf } from '@rigel/event-store';
import type { Operations } from '@rigel/runtime';
import { contains } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import { namingChildren } from '../children.js';
import { answerId, type Store } from '../store.js';
import { COLUMNS, type InventoryTables } from '../tables.js';
import { clusterDecider } from './decider.js';

const stream = (id: number): string => `cluster-${id}`;

const clusters = (db: Kysely<InventoryTables>) =>
  db.selectFrom('clusters').select(COLUMNS.clusters).select(stampOf('cluster', 'clusters').as('stamp'));

const clusterById = stampedReader((db: Kysely<InventoryTables>, { id }: { id: number }) =>
  clusters(db).where('id', '=', id),
);

/** Serves the operations on clusters. */
export function serveClusters(operations: Operations, store: Store): void {
  const { db } = store;

  operations.serve(inventory.listClusters, ({ name, ...page }) =>
    readStampedPage(db, clusters(db).where(contains('name', name)).orderBy('id', 'desc'), page),
  );

  operations.serve(inventory.getCluster, async ({ id }) => {
    const cluster = await clusterById(db, { id });
    if (!cluster) throw noSuch('cluster', id, `cluster ${id} does not exist`);
    return cluster;
  });

  operations.serve(inventory.createCluster, async ({ name, desc, biz }, context) => {
    const ids = await store.create(
      clusterDecider,
      'cluster',
      1,
      (id) => ({ do: 'create' as const, id, name, desc, biz }),
      context,
      { answer: answerId },
    );
    return answerId(ids);
  });

  operations.serve(
    inventory.updateCluster,
    async ({ id, name, desc, biz, if_version: ifVersion }, context) => {
      await store.record(
        clusterDecider,
        [{ stream: stream(id), command: { do: 'change', id, name, desc, biz }, ifVersion }],
        context,
      );
      return {};
    },
  );

  operations.serve(inventory.deleteCluster, async ({ id, if_version: ifVersion }, context) => {
    const command = { do: 'delete' as const, id };
    await namingChildren(db, 'cluster', id, () =>
      store.record(clusterDecider, [{ stream: stream(id), command, ifVersion }], context),
    );
    return {};
  });
}
