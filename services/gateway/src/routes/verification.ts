import {
  beginVerification,
  FoundDifference as Found,
  type FoundDifference,
  HISTORY_SERVICES,
  type RpcResponse,
  readVerification,
  ServiceError,
} from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure } from '../failures.js';
import { isThere, missingOf, partOf } from './about-all.js';
import { STORE_LOST } from './common.js';
import { EndedCheckRow, endedRow, RunningCheckRow, runningRow } from './machines.js';
import { MissingPart } from './overview.js';

const Count = Type.Integer({ minimum: 0 });
const Service = Type.Enum([...HISTORY_SERVICES]);

export const VerificationRow = Type.Object({
  service: Service,
  running: RunningCheckRow,
  last: Type.Union([
    Type.Object({
      ...EndedCheckRow.properties,
      events: Type.Integer({ minimum: 0, description: 'Position of the last event that was verified.' }),
      differences: Count,
    }),
    Type.Null(),
  ]),
});
export const DifferenceRow = Type.Object({ service: Service, ...Found.properties });

type Last = NonNullable<RpcResponse<ReturnType<typeof readVerification>>['last']>;

/** What tokens and sessions are is for admins, and this answer is for everybody who may read. */
function shown(service: (typeof HISTORY_SERVICES)[number], difference: FoundDifference) {
  if (service !== 'access' || difference.kind === 'history') return { service, ...difference };
  const { table, row, column } = difference;
  const text = `${[table, row, column].filter((part) => part !== '').join(' ')}: differs; \`rigel verify\` shows the values`;
  return { service, ...difference, value: '', expected: '', text };
}

export const verificationEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'verification',
    title: 'Whether the tables say what the events say, as of the last verification',
    notes:
      'Each service verifies its own tables. `verified_at` is when the oldest of these verifications ended; null: one of them is missing, ' +
      'could not be done, or was never asked for. Up to 100 differences of each service; `differences` counts all. `rigel rebuild ' +
      '--service <service>` repairs what is found, but for kind `history`, where events themselves are missing.',
    methods: ['GET'],
    paths: ['/verification'],
    access: 'read',
    params: Type.Object({}),
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Type.Object({
      verified_at: Type.Union([Type.String(), Type.Null()]),
      events: Type.Integer({ minimum: 0, description: 'Events that were verified, of all services.' }),
      differences: Count,
      services: Type.Array(VerificationRow),
      found: Type.Array(DifferenceRow),
      missing: Type.Array(MissingPart),
    }),
    example: {
      verified_at: '2026-01-05T08:00:01.250Z',
      events: 8_412,
      differences: 1,
      services: [],
      found: [
        {
          service: 'inventory',
          kind: 'value',
          table: 'pools',
          row: 'id=3',
          column: 'name',
          value: '"web"',
          expected: '"web-pool"',
          text: 'pools id=3: name is "web", by the events "web-pool"',
        },
      ],
      missing: [],
    },
    handler: async (_input, { call, times }) => {
      const parts = await Promise.all(
        HISTORY_SERVICES.map(async (service) => ({
          service,
          part: await partOf(call, readVerification(service), {}),
        })),
      );
      const known = parts.flatMap(({ service, part }) => (isThere(part) ? [{ service, ...part.is }] : []));
      const results = known.flatMap(({ last }) => (last?.result ? [last.result] : []));
      const isWhole = results.length === HISTORY_SERVICES.length;
      const ends = known.flatMap(({ last }) => last?.ended ?? []);
      const toLast = (last: Last) => ({
        ...endedRow(last, times),
        events: last.result?.events ?? 0,
        differences: last.result?.differences ?? 0,
      });
      return done({
        verified_at: isWhole ? times.rfc3339(Math.min(...ends)) : null,
        events: results.reduce((sum, { events }) => sum + events, 0),
        differences: results.reduce((sum, { differences }) => sum + differences, 0),
        services: known.map(({ service, running, last }) => ({
          service,
          running: runningRow(running, times),
          last: last && toLast(last),
        })),
        found: known.flatMap(({ service, last }) =>
          (last?.result?.found ?? []).map((difference) => shown(service, difference)),
        ),
        missing: missingOf(Object.fromEntries(parts.map(({ service, part }) => [service, part]))),
      });
    },
  }),
  defineEndpoint({
    id: 'verification.begin',
    title: 'Verifies the tables of all services against their events',
    notes:
      'Answers at once: read the result with `GET /verification`. The services go on working meanwhile; one verification of a ' +
      'service runs at a time. `RIGEL_VERIFY_MINUTES` does this by the clock.',
    methods: ['POST'],
    paths: ['/verification'],
    access: 'write',
    role: 'admin',
    params: Type.Object({}),
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Type.Object({
      begun: Type.Array(Service, { description: 'Services that verify now because of this request.' }),
      running: Type.Array(Service, { description: 'Services that did already.' }),
      missing: Type.Array(MissingPart),
    }),
    example: { begun: ['inventory', 'catalog', 'scheduler', 'access'], running: [], missing: [] },
    handler: async (_input, { call, tellAudit }) => {
      const parts = await Promise.all(
        HISTORY_SERVICES.map(async (service) => ({
          service,
          part: await partOf(call, beginVerification(service), {}),
        })),
      );
      const missing = missingOf(Object.fromEntries(parts.map(({ service, part }) => [service, part])));
      if (missing.length === parts.length)
        throw new ServiceError('unavailable', missing[0]?.reason ?? 'no service answers');
      const those = (begun: boolean) =>
        parts.flatMap(({ service, part }) => (isThere(part) && part.is.begun === begun ? [service] : []));
      const begun = those(true);
      if (begun.length > 0) tellAudit();
      return done({ begun, running: those(false), missing });
    },
  }),
];
