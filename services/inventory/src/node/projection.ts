import { nodeIdentity } from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, sql } from 'kysely';
import type { Projection } from '../tables.js';
import type { NodeEvent } from './decider.js';
import type { NodesReported } from './reports.js';

const REPORTED = prepared(`
  UPDATE nodes SET state = $1, status = coalesce($2::smallint, status), last_task = coalesce($4::bigint, last_task),
    last_reason = CASE WHEN $2::smallint IS NULL THEN last_reason ELSE $5 END,
    version_tag = coalesce($6, version_tag)
  WHERE id = ANY($3::bigint[])`);

/** What `nodes.machine` says of an address: its canonical form where that is another text. */
function machineOf(address: string): string | null {
  const identity = nodeIdentity(address);
  return identity === address ? null : identity;
}

export const nodeProjection: Projection<NodeEvent | NodesReported> = {
  async NodeAdded(trx, added) {
    const rows = added.map((node) => ({ ...node, machine: machineOf(node.ip) }));
    await sql`
      WITH added AS (
        INSERT INTO nodes (id, pool_id, ip, vm_id, status, state, node_type, machine, last_reason, version_tag,
          labels)
        SELECT id, pool_id, ip, vm_id, status, 0, node_type, machine, '', '', coalesce(labels, '{}')
        FROM json_to_recordset(${JSON.stringify(rows)}::json) AS added(id bigint, pool_id bigint, ip text, vm_id text,
          status smallint, node_type text, machine text, labels jsonb)
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
    for (const { id, ip, vm_id, taken } of assigned) {
      const machine = taken === undefined ? machineOf(ip) : nodeIdentity(taken);
      await sql`UPDATE nodes SET ip = ${ip}, vm_id = ${vm_id}, machine = ${machine} WHERE id = ${id}`.execute(
        trx,
      );
    }
  },
  async NodeLabelled(trx, labelled) {
    // A node may be in it twice: the last one counts.
    const latest = [...new Map(labelled.map((node) => [node.id, node])).values()];
    await sql`
      UPDATE nodes SET labels = labelled.labels
      FROM json_to_recordset(${JSON.stringify(latest)}::json) AS labelled(id bigint, labels jsonb)
      WHERE nodes.id = labelled.id`.execute(trx);
  },
  async NodesReported(trx, reported) {
    for (const report of reported.flatMap(({ reports }) => reports)) {
      const { state, status = null, nodes, task = null, reason = '', tag = null } = report;
      await trx.executeQuery(CompiledQuery.raw(REPORTED, [state, status, nodes, task, reason, tag]));
    }
  },
};
