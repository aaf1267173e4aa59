import { preparedQuery } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import type { InventoryTables, Projection } from '../tables.js';
import type { ServiceEvent } from './decider.js';

type Created = Extract<ServiceEvent, { type: 'ServiceCreated' }>['data'];

const insertService = preparedQuery(
  (db: Kysely<InventoryTables>, { id, name, desc, service_type, docker_image, cluster_id }: Created) =>
    db.insertInto('services').values({ id, name, desc, service_type, docker_image, cluster_id }),
);

export const serviceProjection: Projection<ServiceEvent> = {
  async ServiceCreated(trx, created) {
    for (const service of created) await insertService(trx, service);
  },
  async ServiceChanged(trx, changed) {
    for (const { id, ...changes } of changed)
      await trx.updateTable('services').set(changes).where('id', '=', id).execute();
  },
  async ServiceDeleted(trx, deleted) {
    for (const { id } of deleted) await trx.deleteFrom('services').where('id', '=', id).execute();
  },
};
