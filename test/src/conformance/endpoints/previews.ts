import type { EndpointSpec } from '../endpoint.js';
import { either, exactly, id, integer, listOf, matching, objectWith, oneOf, text } from '../shape.js';
import { refusal } from './common.js';
import { operations } from './operations.js';
import { tasks } from './tasks.js';

/* What an operation would do: its own parameters and refusals, and nothing is recorded. */

export const preview = objectWith({
  plan: matching(/^[0-9a-f]{40}(\.[0-9a-f]{8}){5}\.\d+$/),
  refused: either(exactly(null), text),
  reason: either(
    exactly(null),
    objectWith({ code: text, field: either(exactly(null), text), data: objectWith({}) }),
  ),
  template: objectWith({ id, name: text }),
  tasks: listOf(
    objectWith({
      name: text,
      pool_id: id,
      pool_name: text,
      nodes: integer,
      batch_size: id,
      batches: integer,
      max_failed: either(exactly(null), integer),
    }),
    1,
  ),
  nodes: objectWith({
    count: integer,
    to_make: integer,
    rows: listOf(objectWith({ node_id: id, ip: text, vm_id: text, pool_id: id, batch: id })),
  }),
  left_out: objectWith({
    count: integer,
    rows: listOf(objectWith({ node_id: integer, ip: text, code: text, text })),
  }),
  at_once: integer,
  steps: listOf(
    objectWith({
      name: text,
      kind: oneOf('vm', 'sd', 'remote'),
      retry_times: integer,
      ignore_error: oneOf(true, false),
      params: listOf(
        objectWith({
          name: text,
          value: text,
          secret: oneOf(true, false),
          source: oneOf('template', 'pool', 'service', 'call'),
        }),
      ),
      actions: listOf(objectWith({ name: text, module: text, script: text, cut: oneOf(true, false) })),
    }),
    1,
  ),
  example: either(exactly(null), objectWith({ node_id: id, ip: text })),
  warnings: listOf(objectWith({ code: text, text })),
});

function previewOf(operation: string, previewId: string, path: string): EndpointSpec {
  const spec = [...tasks, ...operations].find((one) => one.id === operation);
  if (!spec) throw new Error(`there is no ${operation}`);
  const { key: _, alsoSent: __, badId: ___, unreadable: ____, wrong = [], ...same } = spec;
  return {
    ...same,
    id: previewId,
    methods: ['POST'],
    paths: [path],
    access: 'read',
    strict: true,
    data: preview,
    // Who holds the nodes decides only when the task is recorded: the preview says so. And it is bound to no plan itself.
    wrong: wrong.filter(({ what }) => !what.includes('holds') && !what.startsWith('a plan')),
  };
}

const plain = refusal(400, '', {});

export const previews: EndpointSpec[] = [
  previewOf('task.create', 'task.preview', '/task/preview'),
  {
    ...previewOf('task.start', 'task.start_preview', '/task/start/:id/preview'),
    refusal: plain,
    unknownId: plain,
  },
  previewOf('pool.expand', 'pool.expand_preview', '/pool/expand/:id/preview'),
  previewOf('pool.shrink', 'pool.shrink_preview', '/pool/shrink/:id/preview'),
  previewOf('pool.deploy', 'pool.deploy_preview', '/pool/deploy/:id/preview'),
];
