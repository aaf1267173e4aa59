import type { Projection } from '../tables.js';
import type { PoolEvent } from './decider.js';

export const poolProjection: Projection<PoolEvent> = {
  async PoolCreated(trx, created) {
    for (const { tasks, labels = {}, protected: guarded = false, ...pool } of created)
      await trx
        .insertInto('pools')
        .values({
          ...pool,
          tasks: JSON.stringify(tasks),
          node_count: 0,
          protected: guarded,
          labels: JSON.stringify(labels),
        })
        .execute();
  },
  async PoolChanged(trx, changed) {
    for (const { id, tasks, labels, ...changes } of changed)
      await trx
        .updateTable('pools')
        .set({
          ...changes,
          ...(tasks && { tasks: JSON.stringify(tasks) }),
          ...(labels && { labels: JSON.stringify(labels) }),
        })
        .where('id', '=', id)
        .execute();
  },
  async PoolDeleted(trx, deleted) {
    for (const { id } of deleted) await trx.deleteFrom('pools').where('id', '=', id).execute();
  },
};
