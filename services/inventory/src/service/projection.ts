import type { Projection } from '../tables.js';
import type { ServiceEvent } from './decider.js';

export const serviceProjection: Projection<ServiceEvent> = {
  async ServiceCreated(trx, created) {
    for (const { id, name, desc, service_type, docker_image, cluster_id, managed_by = '' } of created)
      await trx
        .insertInto('services')
        .values({ id, name, desc, service_type, docker_image, cluster_id, managed_by })
        .execute();
  },
  async ServiceChanged(trx, changed) {
    for (const { id, ...changes } of changed)
      await trx.updateTable('services').set(changes).where('id', '=', id).execute();
  },
  async ServiceDeleted(trx, deleted) {
    for (const { id } of deleted) await trx.deleteFrom('services').where('id', '=', id).execute();
  },
};
