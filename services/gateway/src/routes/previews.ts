import { Preview, plans, type RpcRequest, type UnusedParams } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { RefusalReasonRow } from '../answer/reason.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure } from '../failures.js';
import { mergeOverrides } from '../request/overrides.js';
import { addressesOf, namedOrSelected, withoutBlanks } from '../request/targets.js';
import { REFUSED } from './common.js';
import { deployParams, expandParams, shrinkParams } from './pool-operations.js';
import { createParams, startParams } from './tasks.js';

/*
 * What an operation would do: its own parameters, and nothing is recorded.
 */

/** Preview rows need no times and no other names, so that clients get what the scheduler says. */
export const PreviewRow = Type.Object({
  ...Preview.properties,
  reason: Type.Optional(Type.Union([RefusalReasonRow, Type.Null()])),
});

const examplePreview = {
  plan: '7f3a90b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7.1c9f0b2e.77aa01de.02bc45ff.9d3e6a10.5b1c7e92.2',
  refused: null,
  reason: null,
  template: { id: 3, name: 'rollout' },
  tasks: [
    {
      ...{ name: 'deploy_shop', pool_id: 4, pool_name: 'shop' },
      ...{ nodes: 2, batch_size: 1, batches: 2, max_failed: 0 },
    },
  ],
  nodes: {
    count: 2,
    to_make: 0,
    rows: [
      { node_id: 7, ip: '10.0.0.7', vm_id: '', pool_id: 4, batch: 1 },
      { node_id: 8, ip: '10.0.0.8', vm_id: '', pool_id: 4, batch: 2 },
    ],
  },
  left_out: {
    count: 1,
    rows: [{ node_id: 9, ip: '10.0.0.9', code: 'held', text: 'it is held by task 39', task_id: 39 }],
  },
  at_once: 1,
  steps: [
    {
      ...{ name: 'start_service', kind: 'remote', retry_times: 2, ignore_error: false, timeout: 600 },
      params: [{ name: 'tag', value: 'shop:8', secret: false, source: 'call' }],
      actions: [{ name: 'start', module: 'shell', script: 'start shop:8', cut: false }],
    },
  ],
  example: { node_id: 7, ip: '10.0.0.7' },
  warnings: [],
  duration: { likely_ms: 660_000, least_ms: 540_000, most_ms: 960_000, task_ids: [35, 31] },
};

const NOTES =
  'Made by the code that carries the operation out, from the same body; nothing is recorded. `plan` is a hash over all that it ' +
  'depends on: the operation with it as `if_plan` does exactly this, or is refused and says what changed. Secrets stay names. ' +
  'Up to 200 nodes, and 1,000 that do not take part, are listed; the counts are of all.';

export const PREVIEWED = {
  methods: ['POST'] as const,
  access: 'read' as const,
  strict: true as const,
  result: PreviewRow,
  example: examplePreview,
};

export const previews: Endpoint[] = [
  defineEndpoint({
    ...PREVIEWED,
    id: 'task.preview',
    title: 'What the creation of a task would do',
    notes: NOTES,
    paths: ['/task/preview'],
    body: 'large',
    params: Type.Omit(createParams, ['if_plan']),
    failures: { otherwise: failure(400, REFUSED, []) },
    handler: async (
      { nodes, select, params, unused_params, opr_user: _, ...input },
      { call, operator, isAdmin },
    ) => {
      const request: RpcRequest<typeof plans.create> = {
        ...input,
        opr_user: operator,
        ...namedOrSelected(nodes && addressesOf(nodes), select),
        params: mergeOverrides(params),
        unused_params: unused_params as UnusedParams,
        ...(isAdmin ? { any_secret: true } : {}),
      };
      return done(await call(plans.create, request));
    },
  }),
  defineEndpoint({
    ...PREVIEWED,
    id: 'task.start_preview',
    title: 'What the start of a task would do',
    notes: NOTES,
    paths: ['/task/start/:id/preview'],
    body: 'medium',
    params: Type.Omit(startParams, ['if_plan']),
    failures: { otherwise: failure(400, '', {}) },
    handler: async (input, { call, operator }) =>
      done(await call(plans.start, { ...input, opr_user: operator })),
  }),
  defineEndpoint({
    ...PREVIEWED,
    id: 'pool.expand_preview',
    title: 'What an expand of a pool would do',
    notes: NOTES,
    paths: ['/pool/expand/:id/preview'],
    params: Type.Omit(expandParams, ['if_plan']),
    failures: { otherwise: failure(400, '', {}) },
    handler: async ({ id, ...input }, { call, operator }) =>
      done(await call(plans.expand, { ...input, pool_id: id, opr_user: operator })),
  }),
  defineEndpoint({
    ...PREVIEWED,
    id: 'pool.shrink_preview',
    title: 'What a shrink of a pool would do',
    notes: NOTES,
    paths: ['/pool/shrink/:id/preview'],
    body: 'medium',
    params: Type.Omit(shrinkParams, ['if_plan']),
    failures: { otherwise: failure(400, '', {}) },
    handler: async ({ id, nodes, select, ...input }, { call, operator }) => {
      const wanted = namedOrSelected(nodes && withoutBlanks(nodes), select);
      return done(await call(plans.shrink, { ...input, ...wanted, pool_id: id, opr_user: operator }));
    },
  }),
  defineEndpoint({
    ...PREVIEWED,
    id: 'pool.deploy_preview',
    title: 'What a deploy to a pool would do',
    notes: NOTES,
    paths: ['/pool/deploy/:id/preview'],
    params: Type.Omit(deployParams, ['if_plan']),
    failures: { otherwise: failure(400, '', {}) },
    handler: async ({ id, max_ratio = 100, ...input }, { call, operator }) =>
      done(await call(plans.deploy, { ...input, pool_id: id, max_ratio, opr_user: operator })),
  }),
];
