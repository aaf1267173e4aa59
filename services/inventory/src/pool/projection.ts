import type { Projection } from '../tables.js';
import type { PoolEvent } from './decider.js';

export const poolProjection: Projection<PoolEvent> = {
  async PoolCreated(trx, created) {
    for (const {
      id,
      name,
      desc,
      vm_type,
      sd_id,
      service_id,
      tasks,
      protected: guarded = false,
      managed_by = '',
    } of created)
      await trx
        .insertInto('pools')
        .values({
          id,
          name,
          desc,
          vm_type,
          sd_id,
          service_id,
          tasks: JSON.stringify(tasks),
          node_count: 0,
          protected: guarded,
          managed_by,
        })
        .execute();
  },
  async PoolChanged(trx, changed) {
    for (const { id, tasks, ...changes } of changed)
      await trx
        .updateTable('pools')
        .set({ ...changes, ...(tasks && { tasks: JSON.stringify(tasks) }) })
        .where('id', '=', id)
        .execute();
  },
  async PoolDeleted(trx, deleted) {
    for (const { id } of deleted) await trx.deleteFrom('pools').where('id', '=', id).execute();
  },
};
