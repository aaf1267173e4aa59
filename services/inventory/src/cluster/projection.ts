import type { Projection } from '../tables.js';
import type { ClusterEvent } from './decider.js';

export const clusterProjection: Projection<ClusterEvent> = {
  async ClusterCreated(trx, created) {
    for (const { id, name, desc, biz, managed_by = '' } of created)
      await trx.insertInto('clusters').values({ id, name, desc, biz, managed_by }).execute();
  },
  async ClusterChanged(trx, changed) {
    for (const { id, ...changes } of changed)
      await trx.updateTable('clusters').set(changes).where('id', '=', id).execute();
  },
  async ClusterDeleted(trx, deleted) {
    for (const { id } of deleted) await trx.deleteFrom('clusters').where('id', '=', id).execute();
  },
};
