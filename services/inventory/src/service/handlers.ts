import { inventory, noSuch } from '@rigel/contracts';
import { readStampedPage, stampedReader, stampOf } from '@rigel/event-store';
import type { Operations } from '@rigel/runtime';
import { contains } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import { namingChildren } from '../children.js';
import { answerId, type Store } from '../store.js';
import { COLUMNS, type InventoryTables } from '../tables.js';
import { serviceDecider } from './decider.js';

const stream = (id: number): string => `service-${id}`;

const services = (db: Kysely<InventoryTables>) =>
  db.selectFrom('services').select(COLUMNS.services).select(stampOf('service', 'services').as('stamp'));

const serviceById = stampedReader((db: Kysely<InventoryTables>, { id }: { id: number }) =>
  services(db).where('id', '=', id),
);

/** Serves the operations on services of the fleet. */
export function serveServices(operations: Operations, store: Store): void {
  const { db } = store;

  operations.serve(inventory.listServices, async ({ cluster_id, name, ...page }) => {
    let query = services(db).where(contains('name', name)).orderBy('id');
    if (cluster_id !== undefined) {
      await assertCluster(cluster_id);
      query = query.where('cluster_id', '=', cluster_id);
    }
    return readStampedPage(db, query, page);
  });

  async function assertCluster(cluster_id: number): Promise<void> {
    const cluster = await db
      .selectFrom('clusters')
      .select('id')
      .where('id', '=', cluster_id)
      .executeTakeFirst();
    if (!cluster) throw noSuch('cluster', cluster_id, `cluster ${cluster_id} does not exist`, 'cluster_id');
  }

  operations.serve(inventory.getService, async ({ id }) => {
    const service = await serviceById(db, { id });
    if (!service) throw noSuch('service', id, `service ${id} does not exist`);
    return service;
  });

  operations.serve(inventory.createService, async (request, context) => {
    const { name, desc, service_type, docker_image, cluster_id } = request;
    const ids = await store.create(
      serviceDecider,
      'service',
      1,
      (id) => ({ do: 'create' as const, id, name, desc, service_type, docker_image, cluster_id }),
      context,
      { answer: answerId },
    );
    return answerId(ids);
  });

  operations.serve(inventory.updateService, async (request, context) => {
    const { id, name, desc, service_type, docker_image, cluster_id, if_version: ifVersion } = request;
    await store.record(
      serviceDecider,
      [
        {
          stream: stream(id),
          command: { do: 'change', id, name, desc, service_type, docker_image, cluster_id },
          ifVersion,
        },
      ],
      context,
    );
    return {};
  });

  operations.serve(inventory.deleteService, async ({ id, if_version: ifVersion }, context) => {
    const command = { do: 'delete' as const, id };
    await namingChildren(db, 'service', id, () =>
      store.record(serviceDecider, [{ stream: stream(id), command, ifVersion }], context),
    );
    return {};
  });
}
