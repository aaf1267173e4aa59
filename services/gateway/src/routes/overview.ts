import {
  Attention,
  CatalogOverview,
  FleetOverview,
  inventory,
  overview,
  type RpcResponse,
  TaskOverview,
} from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import type { TimeFormat } from '../answer/time-format.js';
import { defineEndpoint, type Endpoint, type Invocation } from '../endpoint.js';
import { failure } from '../failures.js';
import { isThere, missingOf, partOf } from './about-all.js';
import { STORE_LOST } from './common.js';

const At = Type.String({ description: 'RFC 3339, in UTC.' });

const { since: _since, ...attention } = Attention.properties;
/** Something that waits for a person, in the form of the API. */
export const AttentionRow = Type.Object({
  ...attention,
  since_at: Type.Union([At, Type.Null()], { description: 'Since when it is so; null: not known.' }),
});

const { created: _created, ...nowTask } = TaskOverview.properties.now.items.properties;
const { due: _due, ...nextMoment } = TaskOverview.properties.next.items.properties;
const Tasks = Type.Object({
  ...TaskOverview.properties,
  now: Type.Array(Type.Object({ ...nowTask, created_at: At }), {
    description: 'Tasks at work, those with the most nodes at work first.',
  }),
  next: Type.Array(
    Type.Object({
      ...nextMoment,
      due_at: At,
      pool_name: Type.String({ description: 'Empty: the inventory does not answer.' }),
    }),
    { description: 'The next moments at which schedules act, within 24 hours.' },
  ),
  attention: Type.Array(AttentionRow, {
    description: 'What needs a person: most nodes first, then what has waited longest.',
  }),
});

export const MissingPart = Type.Object({
  part: Type.String(),
  reason: Type.String({ description: 'Why the service in charge says nothing.' }),
});

const Result = Type.Object({
  fleet: Type.Union([FleetOverview, Type.Null()], {
    description: 'Null: missing, which is not the same as none.',
  }),
  catalog: Type.Union([CatalogOverview, Type.Null()]),
  tasks: Type.Union([Tasks, Type.Null()]),
  missing: Type.Array(MissingPart, { description: 'Parts whose service does not answer now.' }),
});

/** Names of pools do not change often, and an overview is read by the second. */
const NAMES_MS = 60_000;
const names = new Map<number, { name: string; at: number }>();

async function poolNames(ids: readonly number[], call: Invocation['call']): Promise<Map<number, string>> {
  const now = Date.now();
  const unknown = [...new Set(ids)].filter((id) => now - (names.get(id)?.at ?? 0) > NAMES_MS);
  const answers = await Promise.all(unknown.map((id) => partOf(call, inventory.getPool, { id })));
  answers.forEach((answer, index) => {
    const id = unknown[index];
    if (id !== undefined && isThere(answer)) names.set(id, { name: answer.is.name, at: now });
  });
  for (const [id, { at }] of names) if (now - at > 2 * NAMES_MS) names.delete(id);
  return new Map(ids.map((id) => [id, names.get(id)?.name ?? '']));
}

async function toTasks(
  { now, next, attention, ...rest }: RpcResponse<typeof overview.tasks>,
  call: Invocation['call'],
  times: TimeFormat,
) {
  const poolOf = ({ kind, data }: Attention) => (kind === 'schedule' ? Number(data.pool_id) : undefined);
  const ids = [...next.map(({ pool_id }) => pool_id), ...attention.flatMap((row) => poolOf(row) ?? [])];
  const named = await poolNames(ids, call);
  return {
    ...rest,
    now: now.map(({ created, ...task }) => ({ ...task, created_at: times.rfc3339(created) })),
    next: next.map(({ due, ...moment }) => ({
      ...moment,
      due_at: times.rfc3339(due),
      pool_name: named.get(moment.pool_id) ?? '',
    })),
    attention: attention.map(({ since, ...row }) => {
      const pool = poolOf({ ...row, since });
      return {
        ...row,
        name: row.name || (pool === undefined ? '' : (named.get(pool) ?? '')),
        since_at: since === null ? null : times.rfc3339(since),
      };
    }),
  };
}

const nodes = { nodes: 8, ok: 7, failed: 1, not_ready: 0 };

export const overviewEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'overview',
    title: 'How all of it stands: what needs a person, what is at work, what comes next',
    notes:
      'From counters and indexes: it costs the same for ten nodes and for 100,000. Each service answers for what it owns; a part ' +
      'whose service does not answer in time is null, and named in `missing`. `day` counts the tasks that were made in the last 24 ' +
      'hours, `ledger` the moments of schedules that were due in them. Up to 12 tasks are explained, up to 50 things named.',
    methods: ['GET'],
    paths: ['/overview'],
    access: 'read',
    params: Type.Object({}),
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Result,
    example: {
      fleet: { clusters: 1, services: 1, pools: 1, ...nodes, by_cluster: [{ id: 1, name: 'lab', ...nodes }] },
      catalog: { actions: 1, implementations: 1, steps: 1, templates: 1 },
      tasks: {
        unfinished: [0, 1, 0, 0, 0],
        runs: [4, 2, 1, 1, 0],
        any: true,
        now: [
          {
            id: 42,
            name: 'move',
            pool_id: 1,
            pool_name: 'web-pool',
            state: 1,
            stat: [4, 2, 1, 1, 0],
            created_at: '2026-01-05T08:00:00.000Z',
          },
        ],
        day: { tasks: 3, states: [0, 1, 2, 0, 0], ended: [{ reason: 'completed', tasks: 2 }] },
        events_by_minute: [0, 12, 31],
        executors: { present: 1, gone: 0, slots: 100, taken: 2 },
        next: [
          {
            schedule_id: 1,
            pool_id: 1,
            pool_name: 'web-pool',
            type: 'expand',
            due_at: '2026-01-05T20:00:00.000Z',
            time_zone: 'Europe/Berlin',
            instance_num: 4,
          },
        ],
        ledger: [{ outcome: 'fired', moments: 2 }],
        attention: [
          {
            kind: 'task',
            id: 42,
            name: 'move',
            code: 'some_failed',
            text: '1 of 8 nodes failed',
            cause: 'step start_service failed on 10.0.0.7 after 3 attempts: exit status 1',
            since_at: '2026-01-05T08:00:12.000Z',
            nodes: 1,
            action: null,
            data: { failed: 1, nodes: 8 },
          },
        ],
      },
      missing: [],
    },
    handler: async (_input, { call, times }) => {
      const [fleet, catalog, tasks] = await Promise.all([
        partOf(call, overview.fleet, {}),
        partOf(call, overview.catalog, {}),
        partOf(call, overview.tasks, {}),
      ]);
      return done({
        fleet: isThere(fleet) ? fleet.is : null,
        catalog: isThere(catalog) ? catalog.is : null,
        tasks: isThere(tasks) ? await toTasks(tasks.is, call, times) : null,
        missing: missingOf({ fleet, catalog, tasks }),
      });
    },
  }),
];
