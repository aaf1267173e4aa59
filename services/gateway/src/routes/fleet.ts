import { CountedPool, inventory, ServiceError, tasks as scheduler, schedules } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import type { TimeFormat } from '../answer/time-format.js';
import { defineEndpoint, type Endpoint, type Invocation } from '../endpoint.js';
import { type Failures, failure } from '../failures.js';
import { idOf, READ_BY_GET } from './common.js';
import { Cursor, cursorOf, Limit, placeOf } from './list-parts.js';
import { exampleTask, HeldByRow, TaskRow, toHeldByRow, toTaskRow } from './task-rows.js';

const FAILURES: Failures = { otherwise: failure(400, '', {}), not_found: failure(404, '', {}) };

/** Tasks that a pool's summary has. */
const LAST_TASKS = 10;

export const CountedPoolRow = CountedPool;

const exampleCounts = {
  status: { not_ready: 0, ok: 1, failed: 1 },
  versions: [{ tag: 'shop:7', nodes: 2 }],
};

const Named = Type.Object({ id: Type.Integer(), name: Type.String() });

const ScheduleInPool = Type.Object({
  id: Type.Integer(),
  type: schedules.find.request.properties.type,
  exec_type: Type.String({ description: 'crontab or depend.' }),
  time_zone: Type.String({ description: 'Empty: the time zone of the deployment.' }),
  items: Type.Integer({ description: 'Times at which it acts, without those that are ignored.' }),
});

/** What the scheduler knows of a pool; undefined if it does not answer. */
async function workOf(pool_id: number, call: Invocation['call'], times: TimeFormat) {
  try {
    const [{ tasks, holding }, ...found] = await Promise.all([
      call(scheduler.ofPool, { pool_id, limit: LAST_TASKS }),
      call(schedules.find, { pool_id, type: 'expand' }),
      call(schedules.find, { pool_id, type: 'upload' }),
    ]);
    return {
      tasks: tasks.map((task) => toTaskRow(task, times)),
      holding: holding.map(({ held_by, nodes }) => ({ held_by: toHeldByRow(held_by, times), nodes })),
      schedules: found.flatMap(({ schedule }) => {
        if (!schedule) return [];
        const { id, type, exec_type, time_zone, cron_items, depend_items } = schedule;
        const items = [...cron_items, ...depend_items].filter(({ ignore }) => !ignore).length;
        return { id, type, exec_type, time_zone, items };
      }),
    };
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'unavailable') return undefined;
    throw error;
  }
}

/** The fleet and its pools in numbers. */
export const fleet: Endpoint[] = [
  defineEndpoint({
    id: 'fleet.summary',
    title: 'The fleet as a tree, with the numbers of nodes of its pools',
    notes:
      'All clusters and services, and pools in the order of their ids. status and versions count nodes; versions has the 20 ' +
      'most frequent tags, the empty one for nodes on which no task put one.',
    methods: READ_BY_GET,
    paths: ['/fleet'],
    access: 'read',
    params: Type.Object({
      limit: { ...Limit, default: 1_000, description: 'Most pools of the answer.' },
      cursor: Cursor,
    }),
    failures: FAILURES,
    result: Type.Object({
      clusters: Type.Array(Named),
      services: Type.Array(Type.Object({ ...Named.properties, cluster_id: Type.Integer() })),
      pools: Type.Array(CountedPoolRow),
      next: Type.Union([Type.String(), Type.Null()], {
        description: 'The cursor of the pools after these; null: there are none.',
      }),
    }),
    example: {
      clusters: [{ id: 1, name: 'web' }],
      services: [{ id: 1, name: 'shop', cluster_id: 1 }],
      pools: [{ id: 1, name: 'shop-a', service_id: 1, protected: false, nodes: 2, ...exampleCounts }],
      next: null,
    },
    handler: async ({ limit, cursor }, { call }) => {
      const after = placeOf(cursor);
      const { more, ...tree } = await call(inventory.fleetSummary, {
        limit,
        ...(after === undefined ? {} : { after }),
      });
      const last = tree.pools.at(-1);
      return done({ ...tree, next: more && last ? cursorOf(last.id) : null });
    },
  }),
  defineEndpoint({
    id: 'pool.summary',
    title: 'A pool in numbers, with its last tasks, its schedules and what holds its nodes',
    notes:
      'state: nodes by the state (0 to 4) of their last runs. tasks, holding and schedules are absent while the scheduler does not answer.',
    methods: READ_BY_GET,
    paths: ['/pool/:id/summary'],
    access: 'read',
    params: Type.Object({ id: idOf('pool') }),
    failures: FAILURES,
    result: Type.Object({
      ...inventory.poolSummary.response.properties,
      tasks: Type.Optional(Type.Array(TaskRow, { description: 'The last ten, newest first.' })),
      holding: Type.Optional(
        Type.Array(Type.Object({ held_by: HeldByRow, nodes: Type.Integer() }), {
          description: 'Tasks that hold nodes of the pool, with the number of these nodes.',
        }),
      ),
      schedules: Type.Optional(Type.Array(ScheduleInPool)),
    }),
    example: {
      nodes: 2,
      state: [0, 0, 1, 1, 0],
      ...exampleCounts,
      tasks: [exampleTask],
      holding: [],
      schedules: [{ id: 1, type: 'expand', exec_type: 'crontab', time_zone: '', items: 2 }],
    },
    handler: async ({ id }, { call, times }) => {
      const counts = await call(inventory.poolSummary, { id });
      return done({ ...counts, ...(await workOf(id, call, times)) });
    },
  }),
];
