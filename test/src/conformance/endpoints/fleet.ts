import type { EndpointSpec } from '../endpoint.js';
import { either, exactly, id, integer, listOf, objectWith, oneOf, rfc3339, text } from '../shape.js';
import type { World } from '../world.js';
import { clusterRow, poolRow, READ, refusal, serviceRow } from './common.js';

const refused = refusal(400, '', {});
const missing = refusal(404, '', {});
const counts = {
  nodes: integer,
  status: objectWith({ not_ready: integer, ok: integer, failed: integer }),
  versions: listOf(objectWith({ tag: text, nodes: integer })),
};
const next = either(text, exactly(null));
const wrongPart = [
  { what: 'a limit that is too large', change: { limit: 1_001 } },
  { what: 'a cursor of its own', change: { cursor: '!' } },
];

function historyOf(kind: string, thing: (world: World) => Promise<{ id: number }>): EndpointSpec {
  return {
    id: `${kind}.history`,
    methods: READ,
    paths: [`/${kind}/:id/history`],
    access: 'read',
    valid: async (world) => ({ id: (await world.shared(kind, () => thing(world))).id }),
    data: objectWith({
      rows: listOf(
        objectWith({
          version: either(id, exactly(null)),
          changed_at: rfc3339,
          operator: text,
          change: oneOf('created', 'changed', 'deleted', 'nodes_added', 'nodes_removed', 'machine_assigned'),
          fields: listOf(objectWith({ name: text })),
          correlation_id: text,
        }),
        1,
      ),
      next,
    }),
    refusal: refused,
    unknownId: missing,
    wrong: wrongPart,
  };
}

export const fleet: EndpointSpec[] = [
  {
    id: 'fleet.summary',
    methods: READ,
    paths: ['/fleet'],
    access: 'read',
    valid: async () => ({}),
    data: objectWith({
      clusters: listOf(objectWith({ id, name: text })),
      services: listOf(objectWith({ id, name: text, cluster_id: id })),
      pools: listOf(objectWith({ id, name: text, service_id: id, protected: oneOf(true, false), ...counts })),
      next,
    }),
    refusal: refused,
    wrong: wrongPart,
  },
  {
    id: 'pool.summary',
    methods: READ,
    paths: ['/pool/:id/summary'],
    access: 'read',
    valid: async (world) => ({ id: (await world.shared('pool', () => world.pool())).id }),
    data: objectWith({
      ...counts,
      state: listOf(integer, 5),
      tasks: listOf(objectWith({ id })),
      holding: listOf(objectWith({ nodes: integer })),
      schedules: listOf(objectWith({ id })),
    }),
    refusal: refused,
    unknownId: missing,
  },
  {
    id: 'export',
    methods: READ,
    paths: ['/export'],
    access: 'read',
    valid: async (world) => {
      await world.shared('pool', () => world.pool());
      return { kinds: 'cluster,service,pool,node', scope: '' };
    },
    data: objectWith({
      actions: listOf(objectWith({ id, name: text, params: objectWith({}) })),
      implementations: listOf(objectWith({ id, action_id: id, template: objectWith({}) })),
      steps: listOf(objectWith({ id, name: text, actions: listOf(text) })),
      templates: listOf(objectWith({ id, name: text })),
      clusters: listOf(clusterRow, 1),
      services: listOf(serviceRow, 1),
      pools: listOf(poolRow, 1),
      nodes: listOf(objectWith({ pool_id: id, labels: objectWith({}), ips: listOf(text) })),
      schedules: listOf(objectWith({ id, pool_id: id })),
    }),
    refusal: refused,
    wrong: [
      { what: 'a kind that is none', change: { kinds: 'action,planet' } },
      { what: 'a set whose name is too long', change: { scope: 's'.repeat(51) } },
    ],
  },
  historyOf('cluster', (world) => world.cluster()),
  historyOf('service', (world) => world.service()),
  historyOf('pool', (world) => world.pool()),
  historyOf('node', (world) => world.node()),
];
