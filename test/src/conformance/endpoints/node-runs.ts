import type { EndpointSpec } from '../endpoint.js';
import { either, exactly, id, integer, listOf, objectWith, oneOf, rfc3339, text } from '../shape.js';
import type { World } from '../world.js';
import { refusal } from './common.js';

/* One node's run of a task, its output, and the task's past. */

const sharedTask = (world: World) => world.shared('task', () => world.task());
const refused = refusal(400, '', {});
const noRun = refusal(400, 'there is no node run', {});
const noTask = refusal(400, 'there is no task', {});

const state = oneOf(0, 1, 2, 3, 4);
const flag = oneOf(true, false);
const orNull = (shape: typeof text) => either(shape, exactly(null));
const reasons = listOf(objectWith({ code: text, text, since: orNull(rfc3339), data: objectWith({}) }));

const attempt = objectWith({
  key: text,
  attempt: id,
  state: oneOf('running', 'succeeded', 'failed', 'ignored', 'stopped', 'unknown'),
  authorised_at: rfc3339,
  started_at: orNull(rfc3339),
  finished_at: orNull(rfc3339),
  exit_code: orNull(integer),
  leases: listOf(objectWith({ lease: id, executor: text, from_at: rfc3339, until_at: orNull(rfc3339) })),
  output: objectWith({ bytes: integer, stored: integer, dropped: integer }),
  versions: listOf(id),
});

const past = {
  version: id,
  at: rfc3339,
  state,
  end_reason: text,
  stat: listOf(integer, 5),
  batch: integer,
  batches: id,
};
const grid = objectWith({
  first_nsid: id,
  ips: listOf(text, 1),
  state: text,
  step: text,
  attempts: text,
  changed: listOf(integer, 1),
});

const ofAttempt = async (world: World) => ({ nsid: (await sharedTask(world)).runId, step: 1, attempt: 1 });
const ofTask = async (world: World) => ({ id: (await sharedTask(world)).id });

function reading(
  name: string,
  path: string,
  spec: Pick<EndpointSpec, 'valid' | 'data' | 'params' | 'wrong'>,
): EndpointSpec {
  return {
    id: `task.${name}`,
    methods: ['GET'],
    paths: [path],
    access: 'read',
    refusal: refused,
    unknownId: path.includes(':nsid') ? noRun : noTask,
    ...spec,
  };
}

const integerParam = { kind: 'integer' as const };
const patterns = [
  { what: 'a group that it refers to', change: { q: '(a)\\1', regex: 1 } },
  { what: 'an expression that is not closed', change: { q: '(a', regex: 1 } },
  { what: 'a text of 501 characters', change: { q: 'x'.repeat(501) } },
];

export const nodeRuns: EndpointSpec[] = [
  reading('node', '/task/node/:nsid', {
    valid: async (world) => ({ nsid: (await sharedTask(world)).runId }),
    data: objectWith({
      id,
      task_id: id,
      node_id: id,
      ip: text,
      batch: id,
      state,
      phase: text,
      version: id,
      created_at: rfc3339,
      updated_at: rfc3339,
      steps: listOf(objectWith({ name: text, state, message: text, attempts: listOf(attempt) }), 1),
    }),
  }),
  reading('node_why', '/task/node/:nsid/why', {
    valid: async (world) => ({ nsid: (await sharedTask(world)).runId }),
    data: objectWith({ run_id: id, task_id: id, ip: text, state, text, task: reasons, chain: reasons }),
  }),
  reading('node_output', '/task/node/:nsid/output', {
    valid: async (world) => ({ ...(await ofAttempt(world)), from: 0, length: 10 }),
    data: objectWith({
      bytes: integer,
      stored: integer,
      dropped: integer,
      lines: integer,
      from: integer,
      to: integer,
      open: flag,
      parts: listOf(objectWith({ from: integer, to: integer, line: id, text })),
    }),
    params: {
      step: { ...integerParam, required: true },
      attempt: { ...integerParam, required: true },
      from: integerParam,
      length: integerParam,
    },
    wrong: [
      { what: 'a length of 0', change: { length: 0 } },
      { what: 'more than a megabyte', change: { length: 1_048_577 } },
      { what: 'another encoding', change: { encoding: 'hex' } },
    ],
  }),
  reading('node_output_search', '/task/node/:nsid/output/search', {
    valid: async (world) => ({ ...(await ofAttempt(world)), q: 'word' }),
    data: objectWith({
      hits: listOf(objectWith({})),
      matches: integer,
      map: listOf(integer),
      searched: integer,
      next: orNull(integer),
    }),
    params: {
      step: { ...integerParam, required: true },
      attempt: { ...integerParam, required: true },
      q: { kind: 'text', required: true },
    },
    wrong: patterns,
  }),
  reading('output_groups', '/task/:id/output/groups', {
    valid: async (world) => ({ ...(await ofTask(world)), step: 1, limit: 5 }),
    data: objectWith({
      ...{ step: id, name: text, more_groups: integer, ended: integer, nodes: id },
      rows: listOf(
        objectWith({
          ...{
            state: integer,
            message: text,
            count: id,
            bytes: integer,
            output: text,
            cut: oneOf(true, false),
          },
          nodes: listOf(objectWith({ nsid: id, node_id: id, ip: text, attempt: integer }), 1),
        }),
      ),
    }),
    params: { step: integerParam, limit: integerParam },
    wrong: [
      { what: 'a step that the task does not have', change: { step: 999 } },
      { what: 'no group', change: { limit: 0 } },
      { what: 'too many groups', change: { limit: 201 } },
    ],
  }),
  reading('output', '/task/:id/output', {
    valid: async (world) => ({ ...(await ofTask(world)), limit: 5, since: '2026-01-01T00:00:00Z' }),
    data: objectWith({
      rows: listOf(objectWith({ nsid: id, ip: text, step: id, attempt: id, from: integer, data: text })),
      ...{ next: orNull(text), now: integer },
    }),
    params: { limit: integerParam },
    wrong: [
      { what: 'a cursor that none gave', change: { cursor: '1.2.3' } },
      { what: 'a time that is none', change: { since: 'yesterday' } },
      { what: 'too many pieces', change: { limit: 1_001 } },
    ],
  }),
  reading('output_search', '/task/:id/output/search', {
    valid: async (world) => ({ ...(await ofTask(world)), q: 'word' }),
    data: objectWith({
      rows: listOf(objectWith({})),
      searched: integer,
      searched_nodes: integer,
      nodes: id,
      next: orNull(text),
    }),
    params: { q: { kind: 'text', required: true } },
    wrong: [...patterns, { what: 'a cursor that none gave', change: { cursor: 'x' } }],
  }),
  reading('at', '/task/:id/at', {
    valid: ofTask,
    data: objectWith({ ...past, grid, marks: objectWith({}) }),
    wrong: [
      { what: 'a version that there is not yet', change: { version: 2_000_000 }, says: 'versions by now' },
      { what: 'a time before it was made', change: { time: '2001-01-01T00:00:00Z' }, says: 'did not exist' },
      { what: 'two moments', change: { version: 1, time: '2001-01-01T00:00:00Z' }, says: 'two moments' },
      { what: 'a time that is none', change: { time: 'yesterday' } },
    ],
  }),
  reading('frames', '/task/:id/frames', {
    valid: async (world) => ({ ...(await ofTask(world)), count: 3 }),
    data: objectWith({ version: id, frames: listOf(objectWith({ ...past, states: text }), 1) }),
    params: { count: integerParam },
    wrong: [{ what: 'no frame', change: { count: 0 } }],
  }),
  reading('timeline', '/task/:id/timeline', {
    valid: async (world) => ({ ...(await ofTask(world)), buckets: 5 }),
    data: objectWith({
      version: id,
      from_at: rfc3339,
      to_at: rfc3339,
      events: listOf(integer, 1),
      succeeded: listOf(integer, 1),
      failed: listOf(integer, 1),
      versions: listOf(integer, 1),
      marks: listOf(objectWith({ version: id, at: rfc3339, kind: text, event: text, by: text, count: id })),
    }),
    params: { buckets: integerParam },
    wrong: [{ what: 'too many parts', change: { buckets: 2_001 } }],
  }),
  reading('history', '/task/:id/history', {
    valid: async (world) => ({ ...(await ofTask(world)), limit: 5 }),
    data: objectWith({
      rows: listOf(objectWith({ version: id, at: rfc3339, event: text, data: objectWith({}) }), 1),
      version: id,
      next: orNull(text),
    }),
    params: {
      limit: integerParam,
      after: integerParam,
      before: integerParam,
      nsid: integerParam,
      event: { kind: 'text' },
    },
    wrong: [
      { what: 'a cursor that none gave', change: { cursor: '-1' } },
      { what: 'too many rows', change: { limit: 1_001 } },
      {
        what: 'an event that there is not',
        change: { event: 'task_started,task_dreamt' },
        says: 'task_dreamt',
      },
      { what: 'a node run of another task', change: { nsid: 9_007_199_254_740 }, says: 'no node run' },
    ],
  }),
];
