import { type Static, Type } from 'typebox';
import { changeFields, changesBefore } from './changes.js';
import { listOf, Text } from './forms.js';
import { Labels } from './labels.js';
import { OnceKey } from './once.js';
import { Created, Done, Id, pageFields, pageOf } from './paging.js';
import { defineRpc, WITHIN_ANOTHER_MS } from './rpc.js';
import { Selection } from './selection.js';
import { ifVersion, stampFields } from './stamp.js';

/*
 * Operations of the inventory service: clusters, services, pools and nodes. Field names are those of the HTTP API, so
 * that the gateway translates nothing. The service checks names (1 to 50 characters after trimming, unique per kind of
 * thing) and references.
 */

export const Cluster = Type.Object({
  id: Id,
  name: Type.String(),
  desc: Type.String(),
  biz: Type.String(),
  ...stampFields,
});
export type Cluster = Static<typeof Cluster>;

export const FleetService = Type.Object({
  id: Id,
  name: Type.String(),
  desc: Type.String(),
  service_type: Type.String(),
  docker_image: Type.String(),
  cluster_id: Id,
  ...stampFields,
});
export type FleetService = Static<typeof FleetService>;

/** Ids of the templates for the operations of a pool; absent: the pool has none. */
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
  /**
   * What takes nodes of the pool out of service must come with the pool's name: see `confirm`. Absent: an inventory of
   * an earlier release answers.
   */
  protected: Type.Optional(Type.Boolean()),
  /** Labels of nodes that enter it from now on. Absent: an inventory of an earlier release answers. */
  labels: Type.Optional(Labels),
  ...stampFields,
});
export type Pool = Static<typeof Pool>;

/** `status` of a node in its pool: 0 = not ready, 1 = ok, 3 = failed. These are not the states of tasks. */
export const NodeStatus = Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(3)]);

/** `manual`: entered by hand, or made by an expand; `crontab`: made by a schedule. */
export const NodeType = Type.Union([Type.Literal('manual'), Type.Literal('crontab')]);
export type NodeType = Static<typeof NodeType>;

export const PoolNode = Type.Object({
  id: Id,
  /** Address, perhaps with the SSH port (`10.0.0.7:2222`); `NO_ADDRESS` until its machine has one. */
  ip: Type.String(),
  /** Id of the machine at its VM provider; empty for a node entered by hand. */
  vm_id: Type.String(),
  status: NodeStatus,
  /** State (0..4) of the node's run in its last task. */
  state: Type.Integer({ minimum: 0, maximum: 4 }),
  node_type: NodeType,
  pool_id: Id,
  /** The last task that had the node; absent: none had, or an inventory of an earlier release answers. */
  last_task: Type.Optional(Id),
  /** Why its last finished run failed; empty: it did not. */
  last_reason: Type.Optional(Type.String()),
  /** Image tag that a task put on the node last; empty: none did. */
  version_tag: Type.Optional(Type.String()),
  /** Absent: an inventory of an earlier release answers. */
  labels: Type.Optional(Labels),
});
export type PoolNode = Static<typeof PoolNode>;

/** The cluster of a pool's service. It decides how executors reach the nodes. */
export const ClusterRef = Type.Object({ id: Id, name: Type.String() });
export type ClusterRef = Static<typeof ClusterRef>;

/** A node as a task needs it. */
export const TaskTarget = Type.Object({
  node_id: Id,
  ip: Type.String(),
  vm_id: Type.String(),
  pool_id: Id,
  pool_name: Type.String(),
  /** Absent: an inventory of an earlier release answers. */
  cluster: Type.Optional(ClusterRef),
  /** Other nodes that are the same machine with another spelling of its address; absent: none. */
  same_machine: Type.Optional(Type.Array(Type.Object({ node_id: Id, ip: Type.String() }))),
  /** VM provider of its pool, 0 = none. Absent: an inventory of an earlier release answers. */
  vm_type: Type.Optional(Type.Integer()),
});
export type TaskTarget = Static<typeof TaskTarget>;

/** A node with the names of where it is. */
export const PlacedNode = Type.Object({
  ...PoolNode.properties,
  pool_name: Type.String(),
  service_id: Id,
  service_name: Type.String(),
  cluster_id: Id,
  cluster_name: Type.String(),
});
export type PlacedNode = Static<typeof PlacedNode>;

/** Number of nodes of each `status`. */
export const StatusCounts = Type.Object({
  not_ready: Type.Integer({ minimum: 0 }),
  ok: Type.Integer({ minimum: 0 }),
  failed: Type.Integer({ minimum: 0 }),
});
export type StatusCounts = Static<typeof StatusCounts>;

/** How many nodes have an image tag; the empty tag: no task put one on them. */
export const TagCount = Type.Object({ tag: Type.String(), nodes: Type.Integer({ minimum: 1 }) });
export type TagCount = Static<typeof TagCount>;

/** A pool with the numbers of its nodes. */
export const CountedPool = Type.Object({
  id: Id,
  name: Type.String(),
  service_id: Id,
  protected: Type.Boolean(),
  nodes: Type.Integer({ minimum: 0 }),
  status: StatusCounts,
  /** The most frequent tags, at most `MOST_TAGS`, most nodes first. */
  versions: Type.Array(TagCount),
});
export type CountedPool = Static<typeof CountedPool>;

/** Tags that are counted by themselves; nodes with other tags are in none of the counts. */
export const MOST_TAGS = 20;

/** Kinds of things that have a history. */
export const HistoryKind = Type.Union([
  Type.Literal('cluster'),
  Type.Literal('service'),
  Type.Literal('pool'),
  Type.Literal('node'),
]);
export type HistoryKind = Static<typeof HistoryKind>;

/** One change of a thing, in public terms. Without a version it is a change of its nodes. */
export const HistoryEntry = Type.Object({
  ...changeFields,
  change: Type.Union([
    Type.Literal('created'),
    Type.Literal('changed'),
    Type.Literal('deleted'),
    Type.Literal('nodes_added'),
    Type.Literal('nodes_removed'),
    Type.Literal('machine_assigned'),
  ]),
  /** For changes of a pool's nodes: how many, and the first few addresses. */
  nodes: Type.Optional(Type.Integer({ minimum: 1 })),
  addresses: Type.Optional(Type.Array(Type.String())),
});
export type HistoryEntry = Static<typeof HistoryEntry>;

/** Part of a list that is read from a place on. */
const limit = Type.Integer({ minimum: 1, maximum: 1_000 });

/** Any integer. If it is no id of a node, the answer says so. */
const AnyInteger = Type.Integer({ minimum: -Number.MAX_VALUE, maximum: Number.MAX_VALUE });
const keyword = Type.Optional(Text);
const labels = Type.Optional(Labels);
/** Chooses nodes, where `nodes` is empty. */
const select = Type.Optional(Selection);
/** An address, or an id as a number or a string of digits. */
const NodeEntry = Type.Union([Text, AnyInteger]);
const byId = Type.Object({ id: Id });
const toDelete = Type.Object({ id: Id, if_version: ifVersion });
/** The name of a protected pool, which the request must repeat. */
const confirm = Type.Optional(Text);

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
      if_version: ifVersion,
      name: Type.Optional(Text),
      desc: Type.Optional(Text),
      biz: Type.Optional(Text),
    }),
    response: Done,
  }),
  /** `in_use`: the cluster has services. */
  deleteCluster: defineRpc('inventory.cluster.delete', { request: toDelete, response: Done }),
  getCluster: defineRpc('inventory.cluster.get', { request: byId, response: Cluster }),

  /** Oldest first. `not_found` (field `cluster_id`): no such cluster. */
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
      if_version: ifVersion,
      name: Type.Optional(Text),
      desc: Type.Optional(Text),
      service_type: Type.Optional(Text),
      docker_image: Type.Optional(Text),
      cluster_id: Type.Optional(Id),
    }),
    response: Done,
  }),
  /** `in_use`: the service has pools. */
  deleteService: defineRpc('inventory.service.delete', { request: toDelete, response: Done }),
  getService: defineRpc('inventory.service.get', { request: byId, response: FleetService }),

  /** With `service_id`: its pools, oldest first (`not_found`: no such service). Without: all pools, newest first. */
  listPools: defineRpc('inventory.pool.list', {
    request: Type.Object({ ...pageFields, service_id: Type.Optional(Id), name: keyword }),
    response: pageOf(Pool),
  }),
  /** `invalid` (field `tasks`): it names a template that was deleted. */
  createPool: defineRpc('inventory.pool.create', {
    request: Type.Object({
      name: Text,
      desc: Text,
      vm_type: Type.Integer(),
      sd_id: Type.Integer(),
      service_id: Id,
      tasks: PoolTasks,
      labels,
    }),
    response: Created,
    keyed: true,
  }),
  /** `service_id` must be the stored one (`invalid` otherwise): a pool does not move to another service. */
  updatePool: defineRpc('inventory.pool.update', {
    request: Type.Object({
      id: Id,
      if_version: ifVersion,
      name: Type.Optional(Text),
      desc: Type.Optional(Text),
      vm_type: Type.Optional(Type.Integer()),
      sd_id: Type.Optional(Type.Integer()),
      service_id: Type.Optional(Id),
      tasks: Type.Optional(PoolTasks),
      /** All of them, in place of those before. */
      labels,
    }),
    response: Done,
  }),
  /** `conflict` (field `if_version`): it was changed meanwhile. */
  protectPool: defineRpc('inventory.pool.protect', {
    request: Type.Object({ id: Id, protected: Type.Boolean(), if_version: ifVersion }),
    response: Done,
  }),
  /** `in_use`: the pool has nodes; `conflict`: a scheduled task needs the pool. */
  deletePool: defineRpc('inventory.pool.delete', { request: toDelete, response: Done }),
  /** The first few pools, oldest first, whose `tasks` name a template, and the number of all. */
  poolsNaming: defineRpc('inventory.pool.naming', {
    request: Type.Object({ template_id: Id }),
    response: Type.Object({
      pools: Type.Array(Type.Object({ id: Id, name: Type.String(), kinds: Type.Array(Type.String()) })),
      total: Type.Integer({ minimum: 0 }),
    }),
    timeoutMs: WITHIN_ANOTHER_MS,
  }),
  getPool: defineRpc('inventory.pool.get', { request: byId, response: Pool }),
  /** The names of pools; those that do not exist are left out. */
  poolNames: defineRpc('inventory.pool.names', {
    request: Type.Object({ ids: Type.Array(Id, { maxItems: 10_000 }) }),
    response: Type.Object({ pools: Type.Array(Type.Object({ id: Id, name: Type.String() })) }),
  }),

  /** Oldest first. `ip`: only nodes whose address contains it. */
  listNodes: defineRpc('inventory.node.list', {
    request: Type.Object({ ...pageFields, pool_id: Id, ip: keyword }),
    response: pageOf(PoolNode),
  }),
  /**
   * Adds all addresses or none. `not_found`: no such pool; `invalid` (field `nodes`): the list is empty or has a blank
   * or malformed entry; `conflict`: a node has one of the addresses already, or the list has one twice, in any
   * spelling. The nodes get the labels of the pool, and these over them.
   */
  addNodes: defineRpc('inventory.node.add', {
    request: Type.Object({ pool_id: Id, nodes: listOf(Text), labels }),
    response: Type.Object({ ids: Type.Array(Id) }),
    timeoutMs: 30_000,
    keyed: true,
  }),
  /**
   * Removes all nodes or none. Entries are addresses or node ids (numbers, or strings of digits). `not_found`: an entry
   * is no node of this pool; `in_use`: an unfinished task holds a node; `invalid` (field `confirm`): the pool is
   * protected, and `confirm` is not its name. With `select` in place of `nodes` those that match now, also without an address.
   */
  removeNodes: defineRpc('inventory.node.remove', {
    request: Type.Object({ pool_id: Id, nodes: listOf(NodeEntry), select, confirm }),
    response: Done,
    timeoutMs: 30_000,
  }),
  /**
   * Sets labels of nodes and removes others, on all nodes or none. A key to remove that a node does not have is passed over. `not_found`
   * (field `nodes`): an entry is no node; `invalid`: a key or value is wrong, or a node would have too many labels.
   */
  labelNodes: defineRpc('inventory.node.label', {
    request: Type.Object({
      nodes: listOf(NodeEntry),
      select,
      set: Labels,
      remove: Type.Array(Text, { maxItems: 10_000 }),
    }),
    response: Type.Object({
      nodes: Type.Integer({ minimum: 1 }),
      /** Nodes that have other labels than before. */
      changed: Type.Integer({ minimum: 0 }),
    }),
    timeoutMs: 30_000,
  }),
  /**
   * The nodes that a selection chooses now, as tasks need them, in its order. `without_address`: nodes that match and that no task can
   * have; empty where the selection has a limit. `not_found` (field `select.pools`): no such pool; `invalid`: the selector cannot be
   * read.
   */
  selectTargets: defineRpc('inventory.node.select_targets', {
    request: Type.Object({ select: Selection }),
    response: Type.Object({ targets: Type.Array(TaskTarget), without_address: Type.Array(TaskTarget) }),
    timeoutMs: 15_000,
  }),
  /** The pool id of each address; -1: no node has the address. */
  findPools: defineRpc('inventory.node.find_pools', {
    request: Type.Object({ ips: listOf(Text) }),
    response: Type.Object({ pools: Type.Record(Type.String(), Type.Integer()) }),
  }),
  /**
   * Adds nodes whose machines are still to be made: without an address, not ready. `not_found`: no such pool. `once`: a
   * repetition answers the nodes that the first request added, and adds new ones for those that no longer exist.
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
  /** The nodes of a pool as tasks need them, oldest first. `not_found`: no such pool. */
  poolTargets: defineRpc('inventory.node.pool_targets', {
    request: Type.Object({ pool_id: Id }),
    response: Type.Object({ targets: Type.Array(TaskTarget) }),
    timeoutMs: 15_000,
  }),
  /** The nodes with these ids, as far as they exist, in the order of their ids. */
  targetsById: defineRpc('inventory.node.targets_by_id', {
    request: Type.Object({ ids: listOf(Id) }),
    response: Type.Object({ targets: Type.Array(TaskTarget) }),
    timeoutMs: 15_000,
  }),
  /** The nodes with these addresses, in the order of the request; `unknown` lists the addresses that no node has. */
  findTargets: defineRpc('inventory.node.find_targets', {
    request: Type.Object({ ips: listOf(Text) }),
    response: Type.Object({ targets: Type.Array(TaskTarget), unknown: Type.Array(Type.String()) }),
    timeoutMs: 15_000,
  }),

  /**
   * Nodes that match all filters, oldest first. `ip`: the beginning of an address, or an IPv4 network in CIDR form
   * (`10.0.3.0/24`; `invalid`: neither). `invalid` (field `labels`): no selector. `not_found` (field `pool_id`, `service_id` or `cluster_id`): no such thing.
   */
  selectNodes: defineRpc('inventory.node.select', {
    request: Type.Object({
      pool_id: Type.Optional(Id),
      service_id: Type.Optional(Id),
      cluster_id: Type.Optional(Id),
      status: Type.Optional(Type.Array(NodeStatus, { minItems: 1, maxItems: 3 })),
      state: Type.Optional(
        Type.Array(Type.Integer({ minimum: 0, maximum: 4 }), { minItems: 1, maxItems: 5 }),
      ),
      ip: keyword,
      /** Exactly this machine. */
      vm_id: keyword,
      node_type: Type.Optional(NodeType),
      /** Exactly this tag; empty: nodes on which no task put one. */
      version_tag: keyword,
      /** A selector, see `parseSelector`. */
      labels: keyword,
      /** Only nodes with these ids. */
      ids: Type.Optional(listOf(Id)),
      /** Only nodes with a greater id. */
      after: Type.Optional(Id),
      limit,
      /** Whether the answer has the number of all matching nodes. */
      count: Type.Optional(Type.Boolean()),
    }),
    response: Type.Object({
      rows: Type.Array(PlacedNode),
      /** There are more nodes after the last row. */
      more: Type.Boolean(),
      total: Type.Optional(Type.Integer({ minimum: 0 })),
    }),
  }),
  /** `not_found`: no such node. */
  getNode: defineRpc('inventory.node.get', { request: byId, response: PlacedNode }),
  /**
   * The node of each text, in the order of the request, whatever the spelling of its address. `problem`: the text is no
   * address; `same_as`: the text before it that is the same machine.
   */
  findNodes: defineRpc('inventory.node.find', {
    request: Type.Object({ addresses: Type.Array(Text, { minItems: 1, maxItems: 10_000 }) }),
    response: Type.Object({
      found: Type.Array(
        Type.Object({
          address: Type.String(),
          node: Type.Optional(PlacedNode),
          same_as: Type.Optional(Type.String()),
          problem: Type.Optional(Type.String()),
        }),
      ),
    }),
    timeoutMs: 15_000,
  }),
  /** A pool's nodes in numbers. `not_found`: no such pool. */
  poolSummary: defineRpc('inventory.pool.summary', {
    request: byId,
    response: Type.Object({
      nodes: Type.Integer({ minimum: 0 }),
      status: StatusCounts,
      /** By the state (0 to 4) of their last runs. */
      state: Type.Array(Type.Integer({ minimum: 0 })),
      versions: Type.Array(TagCount),
    }),
  }),
  /** Clusters and services, and pools after an id, oldest first, each pool with the numbers of its nodes. */
  fleetSummary: defineRpc('inventory.pool.fleet', {
    request: Type.Object({ after: Type.Optional(Id), limit }),
    response: Type.Object({
      clusters: Type.Array(Type.Object({ id: Id, name: Type.String() })),
      services: Type.Array(Type.Object({ id: Id, name: Type.String(), cluster_id: Id })),
      pools: Type.Array(CountedPool),
      more: Type.Boolean(),
    }),
  }),
  /**
   * Changes of a thing, newest first, before a position of the history; also of a thing that was deleted. A pool's
   * history has the changes of its nodes, those of one request together. `not_found`: there never was such a thing.
   */
  history: defineRpc('inventory.history.read', {
    request: Type.Object({
      kind: HistoryKind,
      id: Id,
      ...changesBefore,
    }),
    response: Type.Object({ entries: Type.Array(HistoryEntry), more: Type.Boolean() }),
  }),
};
