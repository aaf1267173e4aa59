import { readFileSync } from 'node:fs';
import {
  ExecutorRow,
  HISTORY_SERVICES,
  health,
  historyState,
  PARTITIONS,
  SchedulerRow,
  SERVICES,
  schedulerSystem,
} from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure } from '../failures.js';
import { isThere, missingOf, partOf } from './about-all.js';
import { STORE_LOST } from './common.js';
import { MissingPart } from './overview.js';

const At = Type.String({ description: 'RFC 3339, in UTC.' });

/** The release of this gateway. */
const RELEASE = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

const { heard: _heard, waiting: _waiting, ...executor } = ExecutorRow.properties;
export const ExecutorStatus = Type.Object({
  ...executor,
  heard_at: At,
  waiting: Type.Array(Type.Object({ run_id: Type.Integer(), what: Type.String(), since_at: At }), {
    description: 'Its node runs that wait for something, as it says; up to 20, the longest first.',
  }),
});
const { since: _since, ...scheduler } = SchedulerRow.properties;
export const SchedulerStatus = Type.Object({ ...scheduler, since_at: At });
export const PartStatus = Type.Object({
  part: Type.String(),
  state: Type.Enum(['ok', 'not_ready', 'away']),
  checks: Type.Record(Type.String(), Type.String(), {
    description: '`ok`, or what is wrong, by what is checked.',
  }),
  since_at: Type.String({
    description: 'Since when this gateway sees it like that, at the earliest since the gateway began.',
  }),
});
export const LagStatus = Type.Object({
  service: Type.String(),
  follows: Type.String({ description: 'The service whose events it follows.' }),
  name: Type.String(),
  position: Type.Integer(),
  behind: Type.Integer({
    minimum: 0,
    description: 'Events that the other service has announced, and that it has not handled yet.',
  }),
});

const Result = Type.Object({
  release: Type.String({ description: 'Release of this gateway.' }),
  parts: Type.Array(PartStatus),
  executors: Type.Union([Type.Array(ExecutorStatus), Type.Null()], {
    description: 'Those that were heard of in the last hour; null: no scheduler answers.',
  }),
  schedulers: Type.Union([Type.Array(SchedulerStatus), Type.Null()]),
  unowned: Type.Union([Type.Array(Type.Integer()), Type.Null()], {
    description: 'Partitions whose tasks no scheduler runs now.',
  }),
  offers: Type.Union([
    Type.Array(Type.Object({ capability: Type.String(), offers: Type.Integer() })),
    Type.Null(),
  ]),
  histories: Type.Array(Type.Object({ service: Type.String(), head: Type.Integer() })),
  lags: Type.Array(LagStatus),
  missing: Type.Array(MissingPart),
});

/** How each part was seen last, and since when. */
const seen = new Map<string, { state: string; at: number }>();

function sinceOf(part: string, state: string): number {
  const known = seen.get(part);
  if (known?.state === state) return known.at;
  const at = Date.now();
  seen.set(part, { state, at });
  return at;
}

export const systemEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'system',
    title: 'The processes of this system: services, schedulers, executors, and how far each follows',
    notes:
      'It works while parts are away, and names them in `missing`. A scheduler is known by its session in the database.',
    methods: ['GET'],
    paths: ['/system'],
    access: 'read',
    params: Type.Object({}),
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Result,
    example: {
      release: '0.2.0',
      parts: [
        {
          part: 'scheduler',
          state: 'ok',
          checks: { database: 'ok', partitions: 'ok' },
          since_at: '2026-01-05T08:00:00.000Z',
        },
      ],
      executors: [
        {
          name: 'executor-1',
          present: true,
          capabilities: ['ssh'],
          slots: 100,
          taken: 3,
          heard_at: '2026-01-05T08:00:00.000Z',
          waiting: [],
        },
      ],
      schedulers: [{ session: 4711, since_at: '2026-01-05T07:00:00.000Z', partitions: [0, 1] }],
      unowned: [],
      offers: [{ capability: 'ssh', offers: 0 }],
      histories: [{ service: 'scheduler', head: 8_412 }],
      lags: [
        { service: 'inventory', follows: 'scheduler', name: 'node-reports', position: 8_412, behind: 0 },
      ],
      missing: [],
    },
    handler: async (_input, { call, times }) => {
      const [scheduling, healths, histories] = await Promise.all([
        partOf(call, schedulerSystem, {}),
        Promise.all(
          SERVICES.map(async (service) => ({ service, part: await partOf(call, health(service), {}) })),
        ),
        Promise.all(
          HISTORY_SERVICES.map(async (service) => ({
            service,
            part: await partOf(call, historyState(service), {}),
          })),
        ),
      ]);
      const known = isThere(scheduling) ? scheduling.is : null;
      const heads = histories.flatMap(({ service, part }) =>
        isThere(part) ? [{ service, head: part.is.head }] : [],
      );
      const owned = new Set(known?.schedulers.flatMap(({ partitions }) => partitions));
      return done({
        release: RELEASE,
        parts: healths.map(({ service, part }) => {
          const checks = isThere(part) ? part.is.checks : { answer: part.missing };
          const wrong = Object.values(checks).some((check) => check !== 'ok');
          const state = !isThere(part) ? 'away' : wrong ? 'not_ready' : 'ok';
          return { part: service, state, checks, since_at: times.rfc3339(sinceOf(service, state)) };
        }),
        executors:
          known?.executors.map(({ heard, waiting, ...row }) => ({
            ...row,
            heard_at: times.rfc3339(heard),
            waiting: waiting.map(({ since, ...one }) => ({ ...one, since_at: times.rfc3339(since) })),
          })) ?? null,
        schedulers:
          known?.schedulers.map(({ since, ...row }) => ({ ...row, since_at: times.rfc3339(since) })) ?? null,
        unowned: known ? Array.from({ length: PARTITIONS }, (_, n) => n).filter((n) => !owned.has(n)) : null,
        offers: known?.offers ?? null,
        histories: heads,
        lags: histories.flatMap(({ service, part }) =>
          isThere(part)
            ? part.is.followers.map(({ owner, ...rest }) => ({ service, follows: owner, ...rest }))
            : [],
        ),
        missing: missingOf({
          scheduling,
          ...Object.fromEntries(histories.map(({ service, part }) => [`history of ${service}`, part])),
        }),
      });
    },
  }),
];
