import type { EndpointSpec } from '../endpoint.js';
import {
  both,
  either,
  exactly,
  id,
  integer,
  listOf,
  objectWith,
  oneOf,
  rfc3339,
  type Shape,
  text,
} from '../shape.js';
import type { World } from '../world.js';
import { refusal } from './common.js';

/* The history of things of the catalog, where they are used, and the check of a text before it is saved. */

const failed = refusal(400, '', {});
const missing = refusal(404, '', {});
const change = objectWith({
  position: id,
  version: id,
  at: rfc3339,
  operator: text,
  client: text,
  correlation_id: text,
  change: oneOf(
    'created',
    'changed',
    'deleted',
    'implementation_created',
    'implementation_changed',
    'implementation_deleted',
  ),
  fields: listOf(objectWith({ name: text })),
});
const users = (more: Record<string, Shape> = {}) =>
  objectWith({ rows: listOf(objectWith({ id, name: text, ...more })), total: integer });

function readsOf(resource: string, thing: (world: World) => Promise<{ id: number }>): EndpointSpec[] {
  const valid = async (world: World) => ({ id: (await world.shared(resource, () => thing(world))).id });
  return [
    {
      id: `${resource}.history`,
      methods: ['GET'],
      paths: [`/${resource}/:id/history`],
      access: 'read',
      params: { limit: { kind: 'integer' }, cursor: { kind: 'text' } },
      valid: async (world) => ({ ...(await valid(world)), limit: 100 }),
      data: objectWith({ rows: listOf(change), next: either(exactly(null), text) }),
      refusal: failed,
      unknownId: missing,
      wrong: [
        { what: 'a cursor of nothing', change: { cursor: 'x' } },
        { what: 'too many rows', change: { limit: 1_001 } },
      ],
    },
    {
      id: `${resource}.uses`,
      methods: ['GET'],
      paths: [`/${resource}/:id/uses`],
      access: 'read',
      valid,
      data: objectWith({
        remote_steps: users(),
        templates: users(),
        pools: either(exactly(null), users({ kinds: listOf(text), template_id: id })),
      }),
      refusal: failed,
      unknownId: missing,
    },
  ];
}

const problem = objectWith({
  line: id,
  column: id,
  parameter: either(exactly(null), text),
  reason: text,
  advice: either(exactly(null), text),
});

export const catalogReads: EndpointSpec[] = [
  ...readsOf('action', (world) => world.action()),
  ...readsOf('remote_step', (world) => world.remoteStep()),
  ...readsOf('task_tpl', (world) => world.template()),
  {
    id: 'template.check',
    methods: ['POST'],
    paths: ['/template/check'],
    access: 'read',
    strict: true,
    params: {
      text: { kind: 'text', required: true },
      params: { kind: 'structure' },
      values: { kind: 'structure' },
    },
    valid: async () => ({
      text: 'echo "{{word}}"',
      module: 'shell',
      params: { word: 'string' },
      values: { word: "'; rm -rf / #" },
    }),
    data: both(
      objectWith({
        accepted: oneOf(true, false),
        refusal: either(exactly(null), problem),
        uses: listOf(
          objectWith({
            name: text,
            line: id,
            column: id,
            context: text,
            integer: oneOf(true, false),
            raw: oneOf(true, false),
          }),
        ),
        total_uses: integer,
        unused: listOf(text),
        notes: listOf(text),
        value_refusal: either(exactly(null), problem),
      }),
      objectWith({ rendered: either(exactly(null), text) }),
    ),
    refusal: failed,
    wrong: [
      { what: 'no module', change: { module: undefined }, says: 'module' },
      { what: 'a module of another system', change: { module: 'copy' } },
      { what: 'a parameter of an unknown type', change: { params: { word: 'float' } } },
      { what: 'values that are a list', change: { values: ['a'] } },
      {
        what: 'a secret without a proper name',
        change: { values: { word: { secret: '../x' } } },
        says: '../x',
      },
    ],
  },
];
