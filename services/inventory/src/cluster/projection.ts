import { preparedQuery } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import type { InventoryTables, Projection } from '../tables.js';
import type { ClusterEvent } from './decider.js';

type Created = Extract<ClusterEvent, { type: 'ClusterCreated' }>['data'];

const insertCluster = preparedQuery((db: Kysely<InventoryTables>, { id, name, desc, biz }: Created) =>
  db.insertInto('clusters').values({ id, name, desc, biz }),
);

export const clusterProjection: Projection<ClusterEvent> = {
  async ClusterCreated(trx, created) {
    for (const cluster of created) await insertCluster(trx, cluster);
  },
  async ClusterChanged(trx, changed) {
    for (const { id, ...changes } of changed)
      await trx.updateTable('clusters').set(changes).where('id', '=', id).execute();
  },
  async ClusterDeleted(trx, deleted) {
    for (const { id } of deleted) await trx.deleteFrom('clusters').where('id', '=', id).execute();
  },
};
