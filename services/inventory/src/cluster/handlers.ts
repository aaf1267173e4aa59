import { inventory, ServiceError } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import { contains, readPage } from '@rigel/runtime/database';
import { namingChildren } from '../children.js';
import { answerId, type Store } from '../store.js';
import { clusterDecider } from './decider.js';

const stream = (id: number): string => `cluster-${id}`;

/** Serves the operations on clusters. */
export function serveClusters(operations: Operations, store: Store): void {
  const { db } = store;

  operations.serve(inventory.listClusters, ({ name, ...page }) =>
    readPage(db.selectFrom('clusters').selectAll().where(contains('name', name)).orderBy('id', 'desc'), page),
  );

  operations.serve(inventory.getCluster, async ({ id }) => {
    const cluster = await db.selectFrom('clusters').selectAll().where('id', '=', id).executeTakeFirst();
    if (!cluster) throw new ServiceError('not_found', `cluster ${id} does not exist`);
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

  operations.serve(inventory.updateCluster, async ({ id, name, desc, biz }, context) => {
    await store.record(
      clusterDecider,
      [{ stream: stream(id), command: { do: 'change', id, name, desc, biz } }],
      context,
    );
    return {};
  });

  operations.serve(inventory.deleteCluster, async ({ id }, context) => {
    const command = { do: 'delete' as const, id };
    await namingChildren(db, 'cluster', id, () =>
      store.record(clusterDecider, [{ stream: stream(id), command }], context),
    );
    return {};
  });
}
