import { prepared } from '@rigel/runtime';
import { CompiledQuery, sql } from 'kysely';
import type { Projection } from '../tables.js';
import type { NodeEvent } from './decider.js';
import type { NodesReported } from './reports.js';

const REPORTED = prepared(
  'UPDATE nodes SET state = $1, status = coalesce($2::smallint, status) WHERE id = ANY($3::bigint[])',
);

export const nodeProjection: Projection<NodeEvent | NodesReported> = {
  async NodeAdded(trx, added) {
    await sql`
      WITH added AS (
        INSERT INTO nodes (id, pool_id, ip, vm_id, status, state, node_type)
        SELECT id, pool_id, ip, vm_id, status, 0, node_type
        FROM json_to_recordset(${JSON.stringify(added)}::json)
          AS added(id bigint, pool_id bigint, ip text, vm_id text, status smallint, node_type text)
        RETURNING pool_id
      )
      UPDATE pools SET node_count = node_count + counted.nodes
      FROM (SELECT pool_id, count(*) AS nodes FROM added GROUP BY pool_id) AS counted
      WHERE pools.id = counted.pool_id`.execute(trx);
  },
  async NodeRemoved(trx, removed) {
    const ids = removed.map(({ id }) => id);
    await sql`
      WITH removed AS (DELETE FROM nodes WHERE id = ANY(${ids}::bigint[]) RETURNING pool_id)
      UPDATE pools SET node_count = node_count - counted.nodes
      FROM (SELECT pool_id, count(*) AS nodes FROM removed GROUP BY pool_id) AS counted
      WHERE pools.id = counted.pool_id`.execute(trx);
  },
  async NodeMachineAssigned(trx, assigned) {
    for (const { id, ip, vm_id } of assigned) {
      await sql`UPDATE nodes SET ip = ${ip}, vm_id = ${vm_id} WHERE id = ${id}`.execute(trx);
    }
  },
  async NodesReported(trx, reported) {
    for (const { state, status, nodes } of reported.flatMap(({ reports }) => reports)) {
      await trx.executeQuery(CompiledQuery.raw(REPORTED, [state, status ?? null, nodes]));
    }
  },
};
