import type { EndpointSpec } from '../endpoint.js';
import {
  both,
  id,
  integer,
  isObject,
  listOf,
  objectWith,
  oneOf,
  rfc3339,
  type Shape,
  text,
} from '../shape.js';
import { lost, refusal } from './common.js';

const missing = listOf(objectWith({ part: text, reason: text }));
const counts = listOf(integer, 5);
const nodes = { nodes: integer, ok: integer, failed: integer, not_ready: integer };
/** Null, where the service in charge does not answer. */
const maybe =
  (shape: Shape): Shape =>
  (value, at) =>
    value === null ? undefined : shape(value, at);
const truth = oneOf(true, false);

const attention = objectWith({
  kind: oneOf('task', 'schedule', 'machines', 'host_key', 'executor'),
  id: maybe(id),
  name: text,
  code: text,
  text,
  cause: text,
  since_at: maybe(rfc3339),
  nodes: integer,
  action: oneOf('start', null),
  data: (value, at) => (isObject(value) ? undefined : `${at} must be an object`),
});

const runningCheck = maybe(objectWith({ since_at: rfc3339, by: text, progress: integer }));
const endedCheck = { began_at: rfc3339, ended_at: rfc3339, by: text, reason: text };
const maker = objectWith({
  task_id: id,
  task_name: text,
  pool_id: id,
  pool_name: text,
  run_id: id,
  node_id: id,
  state: integer,
});
const unowned = objectWith({
  provider: text,
  vm_type: id,
  vm_id: text,
  ip: text,
  made_at: maybe(rfc3339),
  maker: maybe(maker),
});

/** How all of it stands: the parts that services answer together. */
export const aboutAll: EndpointSpec[] = [
  {
    id: 'overview',
    methods: ['GET'],
    paths: ['/overview'],
    access: 'read',
    valid: async () => ({}),
    data: objectWith({
      fleet: objectWith({
        clusters: integer,
        services: integer,
        pools: integer,
        ...nodes,
        by_cluster: listOf(objectWith({ id, name: text, ...nodes })),
      }),
      catalog: objectWith({ actions: integer, implementations: integer, steps: integer, templates: integer }),
      tasks: objectWith({
        unfinished: counts,
        runs: counts,
        any: truth,
        now: listOf(objectWith({ id, name: text, pool_id: id, pool_name: text, created_at: rfc3339 })),
        day: objectWith({ tasks: integer, states: counts, ended: listOf(objectWith({ tasks: integer })) }),
        events_by_minute: listOf(integer),
        executors: objectWith({ present: integer, gone: integer, slots: integer, taken: integer }),
        next: listOf(objectWith({ schedule_id: id, pool_id: id, pool_name: text, due_at: rfc3339 })),
        ledger: listOf(objectWith({ outcome: text, moments: integer })),
        attention: listOf(attention),
      }),
      missing,
    }),
    refusal: lost.object,
  },
  {
    id: 'search',
    methods: ['GET'],
    paths: ['/search'],
    access: 'read',
    params: { q: { kind: 'text', required: true } },
    valid: async (world) => ({ q: (await world.pool()).name }),
    data: objectWith({
      rows: listOf(objectWith({ kind: text, id, name: text, detail: text, exact: truth }), 1),
      missing,
    }),
    refusal: refusal(400, '', {}),
    wrong: [
      { what: 'nothing to look for', change: { q: '' } },
      { what: 'more than 200 characters', change: { q: 'x'.repeat(201) } },
      { what: 'a kind that there is not', change: { kinds: 'node,planet' }, says: 'planet' },
    ],
  },
  {
    id: 'system',
    methods: ['GET'],
    paths: ['/system'],
    access: 'read',
    valid: async () => ({}),
    data: objectWith({
      release: text,
      parts: listOf(
        objectWith({ part: text, state: oneOf('ok', 'not_ready', 'away'), since_at: rfc3339 }),
        5,
      ),
      executors: listOf(
        objectWith({ name: text, present: truth, slots: integer, taken: integer, heard_at: rfc3339 }),
        1,
      ),
      schedulers: listOf(objectWith({ session: integer, since_at: rfc3339, partitions: listOf(integer) }), 1),
      unowned: listOf(integer),
      histories: listOf(objectWith({ service: text, head: integer }), 4),
      lags: listOf(objectWith({ service: text, follows: text, position: integer, behind: integer }), 1),
      missing,
    }),
    refusal: lost.object,
  },
  {
    id: 'machine.orphans',
    methods: ['GET'],
    paths: ['/orphans'],
    access: 'read',
    valid: async () => ({}),
    data: objectWith({
      running: runningCheck,
      last: maybe(objectWith(endedCheck)),
      providers: listOf(
        objectWith({ name: text, vm_type: id, outcome: oneOf('listed', 'cannot_list', 'failed') }),
      ),
      orphans: listOf(unowned),
      being_made: listOf(unowned),
      unknown: listOf(both(maker, objectWith({ at: rfc3339, step: text, attempt: id, reason: text }))),
      counts: objectWith({ orphans: integer, being_made: integer, unknown: integer }),
    }),
    refusal: lost.object,
  },
  {
    id: 'machine.check',
    methods: ['POST'],
    paths: ['/orphans/check'],
    access: 'write',
    valid: async () => ({}),
    data: objectWith({ begun: truth }),
    refusal: lost.object,
  },
  {
    id: 'verification',
    methods: ['GET'],
    paths: ['/verification'],
    access: 'read',
    valid: async () => ({}),
    data: objectWith({
      verified_at: maybe(rfc3339),
      events: integer,
      differences: integer,
      services: listOf(
        objectWith({
          service: text,
          running: runningCheck,
          last: maybe(objectWith({ ...endedCheck, events: integer, differences: integer })),
        }),
        4,
      ),
      found: listOf(
        objectWith({
          service: text,
          kind: text,
          table: text,
          row: text,
          column: text,
          value: text,
          expected: text,
          text,
        }),
      ),
      missing,
    }),
    refusal: lost.object,
  },
  {
    id: 'verification.begin',
    methods: ['POST'],
    paths: ['/verification'],
    access: 'write',
    valid: async () => ({}),
    data: objectWith({ begun: listOf(text), running: listOf(text), missing }),
    refusal: lost.object,
  },
];
