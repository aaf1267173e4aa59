import {
  type ApiToken,
  type AuditEntry,
  access,
  Id,
  newTokenSecret,
  Outcome,
  Role,
  ServiceError,
  tokenText,
} from '@rigel/contracts';
import { Type } from 'typebox';
import { done, listed } from '../answer/envelope.js';
import type { TimeFormat } from '../answer/time-format.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import { DELETE_BY_POST, EmptyObject, filterOf, idOf, READ_BY_GET, STORE_LOST } from './common.js';
import { momentOf } from './moments.js';

const Local = Type.String({ description: 'In the time zone of the deployment.' });
const Utc = Type.String({ description: 'The same in UTC (RFC 3339).' });
const MaybeUtc = Type.Union([Utc, Type.Null()]);

export const AuditRow = Type.Object({
  id: Id,
  time: Local,
  time_at: Utc,
  operator: Type.String({ description: 'Name of the token; where access is off, what the client said.' }),
  action: Type.String({ description: 'Id of the endpoint that does it, like task.stop.' }),
  target: Type.String({ description: 'What it was about: kind and id, like task-7.' }),
  name: Type.String({ description: 'Name or address of the target, where it is known.' }),
  client: Type.String({ description: 'Address that the request came from; empty: from inside.' }),
  correlation_id: Type.String({ description: 'The one of the answer’s header X-Correlation-Id.' }),
  outcome: Outcome,
  status: Type.Integer({ description: 'HTTP status of what was not done, 0 for what was.' }),
  reason: Type.String({ description: 'Why it was not done.' }),
  times: Type.Integer({
    description:
      'How many denied requests the line stands for, which differed in time and target alone; else 1.',
  }),
});

export const TokenRow = Type.Object({
  id: Id,
  name: Type.String(),
  role: Role,
  may_run: Type.Boolean({ description: 'It may run one-off commands although its role could not.' }),
  created: Utc,
  created_by: Type.String(),
  expires: MaybeUtc,
  revoked: MaybeUtc,
  revoked_by: Type.String(),
  last_used: MaybeUtc,
});

function toAuditRow({ time, times = 1, ...row }: AuditEntry, format: TimeFormat) {
  return { ...row, time: format.local(time), time_at: format.rfc3339(time), times };
}

function toTokenRow(token: ApiToken, times: TimeFormat) {
  const maybe = (time: number | null): string | null => (time === null ? null : times.rfc3339(time));
  const { created, expires, revoked, last_used } = token;
  return {
    ...token,
    may_run: token.may_run ?? false,
    created: times.rfc3339(created),
    expires: maybe(expires),
    revoked: maybe(revoked),
    last_used: maybe(last_used),
  };
}

const exact = (what: string) =>
  Type.Optional(Type.String({ description: `Only lines with exactly this ${what}.` }));
const Moment = 'A time (2026-03-01T12:00:00Z), or milliseconds since 1970';

const shownOnce = (id: number): string =>
  `token ${id} was made under this Idempotency-Key already, and its text is shown once: revoke it (/token/revoke/${id}) where ` +
  'that answer is lost, and make another one under another key';

/** Tokens, which say who may use the API, and the audit, which says who did what. */
export const accessEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'audit.list',
    title: 'Who did what to what, newest first',
    notes:
      'Changes come from the events of the services: none is missing, and none stands here that did not happen. ' +
      'outcome: done; denied (no valid token, or not the role); refused (a rule or the state did not allow it); failed ' +
      '(a fault, or a service that did not answer: what came of it is told by a line with the same correlation id, if any).',
    methods: READ_BY_GET,
    paths: ['/audit'],
    access: 'read',
    role: 'admin',
    paged: true,
    params: Type.Object({
      operator: exact('operator'),
      action: exact('action'),
      target: exact('target'),
      correlation_id: exact('correlation id'),
      before: Type.Optional(
        Type.Integer({
          ...Id,
          description:
            'Only lines that follow the line with this id in the order of the list, which are older ones. query_count then counts these.',
        }),
      ),
      outcome: Type.Optional(
        Type.Enum(['done', 'denied', 'refused', 'failed'], { description: 'Only lines with this outcome.' }),
      ),
      from: Type.Optional(Type.String({ description: `${Moment}: only lines of then and later.` })),
      to: Type.Optional(Type.String({ description: `${Moment}: only lines of before.` })),
    }),
    failures: {
      otherwise: failure(400, STORE_LOST, []),
      parameter: failure(400, '', []),
      reference: failure(400, '', []),
    },
    result: Type.Array(AuditRow),
    example: [
      {
        id: 7,
        time: '2026-01-05 08:00:00',
        time_at: '2026-01-05T08:00:00.000Z',
        operator: 'ci',
        action: 'task.stop',
        target: 'task-3',
        name: '',
        client: '10.0.0.9',
        correlation_id: '4f1c2a9be01d33aa',
        outcome: 'done',
        status: 0,
        reason: '',
        times: 1,
      },
    ],
    handler: async (
      { operator, action, target, outcome, correlation_id, before, from, to },
      { page, call, times },
    ) => {
      const { rows, total } = await call(access.listAudit, {
        ...page,
        operator: filterOf(operator),
        action: filterOf(action),
        target: filterOf(target),
        outcome: outcome as Outcome | undefined,
        correlation_id: filterOf(correlation_id),
        ...(before === undefined ? {} : { before }),
        from: momentOf('from', from),
        to: momentOf('to', to),
      });
      return listed(page, { total, rows: rows.map((row) => toAuditRow(row, times)) });
    },
  }),
  defineEndpoint({
    id: 'token.list',
    title: 'API tokens, newest first',
    methods: READ_BY_GET,
    paths: ['/token/list'],
    access: 'read',
    role: 'admin',
    paged: true,
    params: Type.Object({}),
    failures: { otherwise: failure(400, STORE_LOST, []) },
    result: Type.Array(TokenRow),
    example: [
      {
        id: 2,
        name: 'ci',
        role: 'operator',
        may_run: false,
        created: '2026-01-05T08:00:00.000Z',
        created_by: 'ann',
        expires: null,
        revoked: null,
        revoked_by: '',
        last_used: '2026-01-06T09:30:00.000Z',
      },
    ],
    handler: async (_, { page, call, times }) => {
      const { rows, total } = await call(access.listTokens, page);
      return listed(page, { total, rows: rows.map((token) => toTokenRow(token, times)) });
    },
  }),
  defineEndpoint({
    id: 'token.create',
    title: 'Make an API token',
    notes:
      'The token is shown in this answer and never again: only a hash of it is kept. So a repetition under the same ' +
      'Idempotency-Key makes no second one, and answers 409 with the id of the first.',
    methods: ['POST'],
    paths: ['/token/create'],
    access: 'write',
    role: 'admin',
    params: Type.Object({
      name: Type.String({
        description: 'Recorded as the operator of what is done with it; no other token in force has it.',
      }),
      role: Type.Enum(['viewer', 'operator', 'admin'], { description: 'What it allows.' }),
      may_run: Type.Boolean({ default: false, description: 'It may run one-off commands too (/task/run).' }),
      expires: Type.Optional(
        Type.String({ description: `${Moment}: from then on it is refused. Absent or empty: never.` }),
      ),
    }),
    key: 'kept',
    failures: {
      otherwise: failure(400, STORE_LOST, {}),
      invalid: failure(400, '', {}),
      conflict: failure(400, '', {}),
    },
    result: Type.Object({ id: Id, token: Type.String() }),
    example: { id: 2, token: 'rgl_2_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
    handler: async ({ name, role, may_run, expires }, { call, repeated }) => {
      // Only this answer has the secret.
      const { secret, hash } = newTokenSecret();
      const { id } = await call(access.createToken, {
        name,
        role: role as Role,
        ...(may_run ? { may_run } : {}),
        hash,
        expires: momentOf('expires', expires) ?? null,
      });
      // The new secret belongs to no token, and the first one was shown once and is not kept.
      if (repeated()) throw new ServiceError('key_reused', shownOnce(id));
      return done({ id, token: tokenText(id, secret) });
    },
  }),
  defineEndpoint({
    id: 'token.revoke',
    title: 'Revoke an API token',
    notes: 'It is refused from then on, within a second at every gateway, and its live streams end.',
    methods: DELETE_BY_POST,
    paths: ['/token/revoke/:id'],
    access: 'write',
    role: 'admin',
    params: Type.Object({ id: idOf('token') }),
    failures: {
      otherwise: failure(400, STORE_LOST, {}),
      not_found: exactFailure(404, 'token not found', {}),
    },
    result: EmptyObject,
    example: {},
    handler: async ({ id }, { call }) => {
      await call(access.revokeToken, { id });
      return done({});
    },
  }),
];
