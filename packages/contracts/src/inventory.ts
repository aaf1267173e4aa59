import { type Static, Type } from 'typebox';
import { listOf, Text } from './forms.js';
import { OnceKey } from './once.js';
import { Created, Done, Id, pageFields, pageOf } from './paging.js';
import { defineRpc, WITHIN_ANOTHER_MS } from './rpc.js';

/*
 * Operations of the inventory service: clusters, services, pools and nodes. Field names are those of the HTTP API,
 * so that nothing has to be translated on the way. Name rules (1 to 50 characters after trimming, unique per
 * resource) and references are checked by the service.
 */

export const Cluster = Type.Object({
  id: Id,
  name: Type.String(),
  desc: Type.String(),
  biz: Type.String(),
});
export type Cluster = Static<typeof Cluster>;

export const FleetService = Type.Object({
  id: Id,
  name: Type.String(),
  desc: Type.String(),
  service_type: Type.String(),
  docker_image: Type.String(),
  cluster_id: Id,
});
export type FleetService = Static<typeof FleetService>;

/** Template ids of the operations of a pool; a key that is absent is not set. */
export const PoolTasks = Type.Object(
  {
    expand: Type.Optional(Type.Integer({ minimum: 0 })),
    shrink: Type.Optional(Type.Integer({ minimum: 0 })),
    deploy: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
export type PoolTasks = Static<typeof PoolTasks>;

export const Pool = Type.Object({
  id: Id,
  name: Type.String(),
  desc: Type.String(),
  vm_type: Type.Integer(),
  sd_id: Type.Integer(),
  service_id: Id,
  tasks: PoolTasks,
  /** Nodes that are in the pool now. */
  node_count: Type.Integer({ minimum: 0 }),
});
export type Pool = Static<typeof Pool>;

/** `status` of a node in its pool: 0 = not ready, 1 = ok, 3 = failed. Not the code list of tasks. */
export const NodeStatus = Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(3)]);

/** `manual`: entered by hand or made by an expand; `crontab`: made by a schedule. */
export const NodeType = Type.Union([Type.Literal('manual'), Type.Literal('crontab')]);
export type NodeType = Static<typeof NodeType>;

export const PoolNode = Type.Object({
  id: Id,
  /** Address, may carry the SSH port (`10.0.0.7:2222`); `-` until a machine has one. */
  ip: Type.String(),
  /** Id of the machine at its VM provider; empty for a node entered by hand. */
  vm_id: Type.String(),
  status: NodeStatus,
  /** State (0..4) of the node's run in its last task. */
  state: Type.Integer({ minimum: 0, maximum: 4 }),
  node_type: NodeType,
  pool_id: Id,
});
export type PoolNode = Static<typeof PoolNode>;

/** The cluster that a pool's service belongs to: it says how its nodes are reached. */
export const ClusterRef = Type.Object({ id: Id, name: Type.String() });
export type ClusterRef = Static<typeof ClusterRef>;

/** A node as a task needs it. */
export const TaskTarget = Type.Object({
  node_id: Id,
  ip: Type.String(),
  vm_id: Type.String(),
  pool_id: Id,
  pool_name: Type.String(),
  /** Absent where an earlier release answers. */
  cluster: Type.Optional(ClusterRef),
  /** Other nodes that are the same machine under another spelling of its address; absent: none. */
  same_machine: Type.Optional(Type.Array(Type.Object({ node_id: Id, ip: Type.String() }))),
  /** VM provider of its pool, 0 = none. Absent where an earlier release answers. */
  vm_type: Type.Optional(Type.Integer()),
});
export type TaskTarget = Static<typeof TaskTarget>;

/** What is no id of a node is the id of none: the answer says so. */
const AnyInteger = Type.Integer({ minimum: -Number.MAX_VALUE, maximum: Number.MAX_VALUE });
const keyword = Type.Optional(Text);
const byId = Type.Object({ id: Id });

export const inventory = {
  listClusters: defineRpc('inventory.cluster.list', {
    request: Type.Object({ ...pageFields, name: keyword }),
    response: pageOf(Cluster),
  }),
  createCluster: defineRpc('inventory.cluster.create', {
    request: Type.Object({ name: Text, desc: Text, biz: Text }),
    response: Created,
    keyed: true,
  }),
  /** Absent fields stay unchanged. */
  updateCluster: defineRpc('inventory.cluster.update', {
    request: Type.Object({
      id: Id,
      name: Type.Optional(Text),
      desc: Type.Optional(Text),
      biz: Type.Optional(Text),
    }),
    response: Done,
  }),
  /** `in_use` while it has services. */
  deleteCluster: defineRpc('inventory.cluster.delete', { request: byId, response: Done }),
  getCluster: defineRpc('inventory.cluster.get', { request: byId, response: Cluster }),

  /** `not_found` (field `cluster_id`) when a cluster is named that does not exist. Oldest first. */
  listServices: defineRpc('inventory.service.list', {
    request: Type.Object({ ...pageFields, cluster_id: Type.Optional(Id), name: keyword }),
    response: pageOf(FleetService),
  }),
  createService: defineRpc('inventory.service.create', {
    request: Type.Object({ name: Text, desc: Text, service_type: Text, docker_image: Text, cluster_id: Id }),
    response: Created,
    keyed: true,
  }),
  updateService: defineRpc('inventory.service.update', {
    request: Type.Object({
      id: Id,
      name: Type.Optional(Text),
      desc: Type.Optional(Text),
      service_type: Type.Optional(Text),
      docker_image: Type.Optional(Text),
      cluster_id: Type.Optional(Id),
    }),
    response: Done,
  }),
  /** `in_use` while it has pools. */
  deleteService: defineRpc('inventory.service.delete', { request: byId, response: Done }),
  getService: defineRpc('inventory.service.get', { request: byId, response: FleetService }),

  /** With `service_id`: its pools, oldest first (`not_found` when unknown). Without: all, newest first. */
  listPools: defineRpc('inventory.pool.list', {
    request: Type.Object({ ...pageFields, service_id: Type.Optional(Id), name: keyword }),
    response: pageOf(Pool),
  }),
  /** `invalid` (field `tasks`) when it names a template that was deleted. */
  createPool: defineRpc('inventory.pool.create', {
    request: Type.Object({
      name: Text,
      desc: Text,
      vm_type: Type.Integer(),
      sd_id: Type.Integer(),
      service_id: Id,
      tasks: PoolTasks,
    }),
    response: Created,
    keyed: true,
  }),
  /** A `service_id` must be the stored one (`invalid` otherwise): a pool does not move. */
  updatePool: defineRpc('inventory.pool.update', {
    request: Type.Object({
      id: Id,
      name: Type.Optional(Text),
      desc: Type.Optional(Text),
      vm_type: Type.Optional(Type.Integer()),
      sd_id: Type.Optional(Type.Integer()),
      service_id: Type.Optional(Id),
      tasks: Type.Optional(PoolTasks),
    }),
    response: Done,
  }),
  /** `in_use` while it has nodes, `conflict` while a scheduled task needs it. */
  deletePool: defineRpc('inventory.pool.delete', { request: byId, response: Done }),
  /** The pools whose `tasks` name a template, oldest first: the first few, and how many there are. */
  poolsNaming: defineRpc('inventory.pool.naming', {
    request: Type.Object({ template_id: Id }),
    response: Type.Object({
      pools: Type.Array(Type.Object({ id: Id, name: Type.String(), kinds: Type.Array(Type.String()) })),
      total: Type.Integer({ minimum: 0 }),
    }),
    timeoutMs: WITHIN_ANOTHER_MS,
  }),
  getPool: defineRpc('inventory.pool.get', { request: byId, response: Pool }),

  /** `ip`: only addresses that contain it. Oldest first. */
  listNodes: defineRpc('inventory.node.list', {
    request: Type.Object({ ...pageFields, pool_id: Id, ip: keyword }),
    response: pageOf(PoolNode),
  }),
  /**
   * Enters all addresses or none. `not_found`: the pool; `invalid` (field `nodes`): empty list or a blank or
   * malformed entry; `conflict`: an address is a node's already or stands twice in the list, in whatever spelling.
   */
  addNodes: defineRpc('inventory.node.add', {
    request: Type.Object({ pool_id: Id, nodes: listOf(Text) }),
    response: Type.Object({ ids: Type.Array(Id) }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /**
   * Removes all or none; entries are addresses or node ids (numbers, or strings of digits). `not_found`: an entry is no
   * node of this pool; `in_use`: a node is held by an unfinished task.
   */
  removeNodes: defineRpc('inventory.node.remove', {
    request: Type.Object({ pool_id: Id, nodes: listOf(Type.Union([Text, AnyInteger])) }),
    response: Done,
    timeoutMs: 30_000,
  }),
  /** Pool id of each address asked for; -1 where no node has it. */
  findPools: defineRpc('inventory.node.find_pools', {
    request: Type.Object({ ips: listOf(Text) }),
    response: Type.Object({ pools: Type.Record(Type.String(), Type.Integer()) }),
  }),
  /**
   * Enters nodes whose machines are still to be made: without an address, not ready. `not_found`: the pool. `once`: under
   * the same key the nodes that it entered before are answered, as far as they are still there, and the others entered anew.
   */
  planNodes: defineRpc('inventory.node.plan', {
    request: Type.Object({
      pool_id: Id,
      count: Type.Integer({ minimum: 1, maximum: 200 }),
      node_type: NodeType,
      once: Type.Optional(OnceKey),
    }),
    response: Type.Object({ ids: Type.Array(Id), cluster: Type.Optional(ClusterRef) }),
  }),
  /** The nodes of a pool as tasks need them, oldest first. `not_found`: the pool. */
  poolTargets: defineRpc('inventory.node.pool_targets', {
    request: Type.Object({ pool_id: Id }),
    response: Type.Object({ targets: Type.Array(TaskTarget) }),
    timeoutMs: 15_000,
  }),
  /** Those of these nodes that there are, in the order of their ids. */
  targetsById: defineRpc('inventory.node.targets_by_id', {
    request: Type.Object({ ids: listOf(Id) }),
    response: Type.Object({ targets: Type.Array(TaskTarget) }),
    timeoutMs: 15_000,
  }),
  /** The nodes with these addresses, in the order asked for; `unknown` lists the addresses that no node has. */
  findTargets: defineRpc('inventory.node.find_targets', {
    request: Type.Object({ ips: listOf(Text) }),
    response: Type.Object({ targets: Type.Array(TaskTarget), unknown: Type.Array(Type.String()) }),
    timeoutMs: 15_000,
  }),
};
