import { PlacedNode, type PoolNode, ServiceError, tasks as scheduler } from '@rigel/contracts';
import { Type } from 'typebox';
import type { TimeFormat } from '../answer/time-format.js';
import type { Invocation } from '../endpoint.js';
import { HeldByRow, toHeldByRow } from './task-rows.js';

/** The parameter of requests that take nodes of a pool out of service. */
export const Confirm = Type.Optional(
  Type.String({
    description: 'The name of the pool. Needed if the pool is protected; else it has no effect.',
  }),
);

const { last_task: _, ...fields } = PlacedNode.properties;
const { pool_name, service_id, service_name, cluster_id, cluster_name, ...ofNode } = fields;
const rowFields = {
  last_task: Type.Optional(
    Type.Union([Type.Integer(), Type.Null()], {
      description: 'The last task that had the node; null: none had.',
    }),
  ),
  vnode_type: ofNode.node_type,
  held_by: Type.Optional(HeldByRow),
};

export const NodeRow = Type.Object({ ...ofNode, ...rowFields });

/** A node with the names of where it is. */
export const PlacedNodeRow = Type.Object({
  ...ofNode,
  ...rowFields,
  pool_name,
  service_id,
  service_name,
  cluster_id,
  cluster_name,
  host_key: Type.Optional(
    Type.String({
      description:
        'SSH host key that was accepted at first sight; empty: none yet. Absent while the scheduler does not answer.',
    }),
  ),
});

export const exampleNode = {
  id: 1,
  ip: '10.0.0.7',
  vm_id: '',
  status: 1,
  state: 2,
  node_type: 'manual',
  pool_id: 1,
  last_task: 3,
  last_reason: '',
  version_tag: 'shop:7',
  labels: { zone: 'a' },
  vnode_type: 'manual',
  held_by: null,
};

export const examplePlacedNode = {
  ...exampleNode,
  pool_name: 'shop-a',
  service_id: 1,
  service_name: 'shop',
  cluster_id: 1,
  cluster_name: 'web',
  host_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGx0Zm9v',
};

/** What the scheduler knows of nodes. */
interface SchedulerFacts {
  heldBy: Map<number, ReturnType<typeof toHeldByRow>>;
  /** Absent: not asked for, or a scheduler of an earlier release answered. */
  hostKeys?: Map<number, string>;
}

/** @returns undefined if the scheduler does not answer. The facts of the inventory are shown all the same. */
export async function schedulerFacts(
  nodes: readonly { id: number }[],
  call: Invocation['call'],
  times: TimeFormat,
  { hostKeys = false } = {},
): Promise<SchedulerFacts | undefined> {
  if (nodes.length === 0) return { heldBy: new Map() };
  try {
    const { holders, host_keys } = await call(scheduler.holders, {
      node_ids: nodes.map(({ id }) => id),
      ...(hostKeys ? { host_keys: true } : {}),
    });
    const heldBy = new Map(
      holders.flatMap(({ node_ids, held_by }) => {
        const row = toHeldByRow(held_by, times);
        return node_ids.map((id) => [id, row] as const);
      }),
    );
    if (!host_keys) return { heldBy };
    return { heldBy, hostKeys: new Map(host_keys.map(({ node_id, host_key }) => [node_id, host_key])) };
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'unavailable') return undefined;
    throw error;
  }
}

/** A node as the API shows it, with what the scheduler knows of it. */
export function toNodeRow<N extends PoolNode>(node: N, facts: SchedulerFacts | undefined) {
  return {
    ...node,
    last_task: node.last_task ?? null,
    vnode_type: node.node_type,
    ...(facts ? { held_by: facts.heldBy.get(node.id) ?? null } : {}),
    ...(facts?.hostKeys ? { host_key: facts.hostKeys.get(node.id) ?? '' } : {}),
  };
}
