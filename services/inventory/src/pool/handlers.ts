import { inventory, noSuch } from '@rigel/contracts';
import { readStampedPage, stampedReader, stampOf } from '@rigel/event-store';
import type { Bus } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import { contains } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import { answerId, type Store } from '../store.js';
import { COLUMNS, type InventoryTables } from '../tables.js';
import { poolDecider } from './decider.js';
import { deletePool, streamOf } from './delete-pool.js';
import { namingTemplates, poolsNaming } from './named-templates.js';

const selected = (db: Kysely<InventoryTables>) =>
  db.selectFrom('pools').select(COLUMNS.pools).select(stampOf('pool', 'pools').as('stamp'));

const readPool = stampedReader((db: Kysely<InventoryTables>, { id }: { id: number }) =>
  selected(db).where('id', '=', id),
);

/** Serves the operations on pools. */
export function servePools(operations: Operations, store: Store, bus: Bus): void {
  const { db } = store;

  operations.serve(inventory.listPools, async ({ service_id, name, ...page }) => {
    const pools = selected(db).where(contains('name', name));
    if (service_id === undefined) return readStampedPage(db, pools.orderBy('id', 'desc'), page);
    const service = await db
      .selectFrom('services')
      .select('id')
      .where('id', '=', service_id)
      .executeTakeFirst();
    if (!service) throw noSuch('service', service_id, `service ${service_id} does not exist`, 'service_id');
    return readStampedPage(db, pools.where('service_id', '=', service_id).orderBy('id'), page);
  });

  const poolById = async (id: number) => {
    const pool = await readPool(db, { id });
    if (!pool) throw noSuch('pool', id, `pool ${id} does not exist`);
    return pool;
  };

  operations.serve(inventory.getPool, ({ id }) => poolById(id));

  operations.serve(inventory.poolNames, async ({ ids }) => ({
    pools:
      ids.length === 0
        ? []
        : await db.selectFrom('pools').select(['id', 'name']).where('id', 'in', ids).execute(),
  }));

  operations.serve(inventory.poolsNaming, ({ template_id }) => poolsNaming(db, template_id));

  operations.serve(inventory.createPool, async (request, context) => {
    const { name, desc, vm_type, sd_id, service_id, tasks, labels } = request;
    const fields = { name, desc, vm_type, sd_id, service_id, tasks, labels };
    const before = async () => ({});
    const ids = await namingTemplates(bus, { tasks, before }, context, ({ beforeCommit }) =>
      store.create(
        poolDecider,
        'pool',
        1,
        (id) => ({ do: 'create' as const, id, ...fields }),
        context,
        { answer: answerId },
        beforeCommit,
      ),
    );
    return answerId(ids);
  });

  operations.serve(inventory.updatePool, async (request, context) => {
    const { id, name, desc, vm_type, sd_id, service_id, tasks, labels, if_version: ifVersion } = request;
    const command = { do: 'change' as const, id, name, desc, vm_type, sd_id, service_id, tasks, labels };
    const before = async () => (await poolById(id)).tasks;
    await namingTemplates(bus, { tasks, before }, context, ({ beforeCommit }) =>
      store.record(poolDecider, [{ stream: streamOf(id), command, ifVersion }], context, beforeCommit),
    );
    return {};
  });

  operations.serve(
    inventory.protectPool,
    async ({ id, protected: wanted, if_version: ifVersion }, context) => {
      const command = { do: 'protect' as const, id, protected: wanted };
      await store.record(poolDecider, [{ stream: streamOf(id), command, ifVersion }], context);
      return {};
    },
  );

  operations.serve(inventory.deletePool, async (request, context) => {
    await deletePool(store, bus, request, context);
    return {};
  });
}
