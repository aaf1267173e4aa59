import { ExportedNodes, fleetExport, type RpcResponse } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure, WrongParameter } from '../failures.js';
import { ActionImplRow } from './actimpls.js';
import { ActionRow } from './actions.js';
import { ClusterRow } from './clusters.js';
import { filterOf, READ_BY_GET } from './common.js';
import { PoolRow, toPoolRow } from './pool-rows.js';
import { RemoteStepRow } from './remote-steps.js';
import { ScheduleRow } from './schedules.js';
import { ServiceRow } from './services.js';
import { ManagedBy, withStampRow } from './stamps.js';
import { TemplateRow } from './templates.js';

const KINDS = ['action', 'step', 'template', 'cluster', 'service', 'pool', 'node', 'schedule'] as const;
type Kind = (typeof KINDS)[number];

/** Kinds whose things the inventory has. */
const PLACES = ['cluster', 'service', 'pool', 'node'] as const;

function kindsIn(text: string): readonly Kind[] {
  if (text === '') return KINDS;
  return text.split(',').map((part) => {
    const kind = KINDS.find((one) => one === part.trim());
    if (kind) return kind;
    throw new WrongParameter(
      `kinds has ${JSON.stringify(part.trim())}, which is none: there are ${KINDS.join(', ')}`,
      'kinds',
    );
  });
}

const { pool: _, depend_items: __, ...scheduleFields } = ScheduleRow.properties;
/** A scheduled task with the ids of its pools alone. */
export const ExportedScheduleRow = Type.Object({
  ...scheduleFields,
  depend_items: fleetExport.schedules.response.properties.schedules.items.properties.depend_items,
});

export const ExportRow = Type.Object({
  actions: Type.Array(ActionRow),
  implementations: Type.Array(ActionImplRow),
  steps: Type.Array(RemoteStepRow),
  templates: Type.Array(TemplateRow),
  clusters: Type.Array(ClusterRow),
  services: Type.Array(ServiceRow),
  pools: Type.Array(PoolRow),
  nodes: Type.Array(ExportedNodes),
  schedules: Type.Array(ExportedScheduleRow),
});

const nothing: RpcResponse<typeof fleetExport.catalog> = {
  actions: [],
  implementations: [],
  steps: [],
  templates: [],
};
const nowhere: RpcResponse<typeof fleetExport.inventory> = {
  clusters: [],
  services: [],
  pools: [],
  nodes: [],
};

/** All that can be written in files. */
export const exportEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'export',
    title: 'All that can be written in files, with the version of each object',
    notes:
      'Each service reads its objects in one snapshot. An action comes with its implementations. nodes: those that were ' +
      'entered by hand, by their labels. Schedules come whatever the scope: they belong to their pools. At most 20,000 objects of each ' +
      'service, and 250,000 nodes.',
    methods: READ_BY_GET,
    paths: ['/export'],
    access: 'read',
    params: Type.Object({
      kinds: Type.String({
        default: '',
        maxLength: 200,
        description: `Kinds of objects, separated by commas; empty = all: ${KINDS.join(', ')}.`,
      }),
      scope: Type.Optional(
        Type.String({ ...ManagedBy, description: 'Only objects of this set of files (managed_by).' }),
      ),
    }),
    failures: { otherwise: failure(400, '', {}) },
    result: ExportRow,
    example: {
      ...nothing,
      ...nowhere,
      nodes: [{ pool_id: 1, labels: { zone: 'a' }, ips: ['10.0.0.7'] }],
      schedules: [],
    },
    handler: async ({ kinds: text, scope }, { call, times }) => {
      const kinds = kindsIn(text);
      const set = filterOf(scope);
      const ofSet = set === undefined ? {} : { managed_by: set };
      const has = (...some: Kind[]) => some.some((kind) => kinds.includes(kind));
      const [catalog, places, { schedules }] = await Promise.all([
        has('action', 'step', 'template') ? call(fleetExport.catalog, ofSet) : nothing,
        has(...PLACES)
          ? call(fleetExport.inventory, { ...ofSet, kinds: PLACES.filter((kind) => kinds.includes(kind)) })
          : nowhere,
        has('schedule') ? call(fleetExport.schedules, {}) : { schedules: [] },
      ]);
      return done({
        actions: has('action') ? catalog.actions.map(withStampRow) : [],
        implementations: has('action') ? catalog.implementations.map(withStampRow) : [],
        steps: has('step')
          ? catalog.steps.map((step) => withStampRow({ ...step, action: step.actions }))
          : [],
        templates: has('template') ? catalog.templates.map(withStampRow) : [],
        clusters: places.clusters.map(withStampRow),
        services: places.services.map(withStampRow),
        pools: places.pools.map(toPoolRow),
        nodes: places.nodes,
        schedules: schedules.map(({ updated_at, ...schedule }) => ({
          ...schedule,
          ...(updated_at === undefined ? {} : { updated_at: times.rfc3339(updated_at) }),
        })),
      });
    },
  }),
];
