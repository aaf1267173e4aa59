import {
  codeText,
  Id,
  newTokenSecret,
  ROLES,
  type Role,
  readCodeText,
  readTokenText,
  ServiceError,
  type Session,
  SessionEnd,
  sessions,
  sessionText,
} from '@rigel/contracts';
import { Type } from 'typebox';
import { faultText } from '../access/gate.js';
import { done } from '../answer/envelope.js';
import type { TimeFormat } from '../answer/time-format.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import { EmptyObject, idOf, STORE_LOST } from './common.js';

const At = Type.String({ description: 'RFC 3339, UTC.' });
const MaybeAt = Type.Union([Type.String(), Type.Null()]);
const RoleName = Type.Enum([...ROLES]);

/** Who the client is, as the API sees it. */
export const WhoRow = Type.Object({
  name: Type.String({ description: 'Recorded as the operator of what the client does.' }),
  role: RoleName,
  may_run: Type.Boolean({ description: 'The client may run one-off commands (/task/run).' }),
  access: Type.Enum(['on', 'off'], { description: 'off: every client may do everything.' }),
  by: Type.Enum(['token', 'session', 'nothing'], { description: 'What the client proved it with.' }),
  session_id: Type.Union([Id, Type.Null()]),
  expires_at: MaybeAt,
  header: Type.String({
    description:
      'The header (with the value 1) that a browser with a session sends with everything that changes something.',
  }),
});

export const SessionRow = Type.Object({
  id: Id,
  token_id: Id,
  name: Type.String({ description: 'Name of its token.' }),
  role: RoleName,
  started_with: Type.Enum(['token', 'code']),
  client: Type.String({ description: 'Address that it was started from.' }),
  started_at: At,
  last_used_at: Type.String({ description: 'Exact to a minute.' }),
  expires_at: At,
  ended_at: MaybeAt,
  end: Type.Union([Type.Enum(SessionEnd.anyOf.map(({ const: value }) => value)), Type.Null()]),
  ended_by: Type.String(),
  own: Type.Boolean({ description: 'The session of this request.' }),
});

function toSessionRow(session: Session, own: number | undefined, times: TimeFormat) {
  const { started, last_used, expires, ended, ...row } = session;
  return {
    ...row,
    started_at: times.rfc3339(started),
    last_used_at: times.rfc3339(last_used),
    expires_at: times.rfc3339(expires),
    ended_at: ended === null ? null : times.rfc3339(ended),
    own: row.id === own,
  };
}

const HEADER = 'X-Rigel-Console';
const IS_OFF =
  'access is off (RIGEL_ACCESS): every client may do everything, and there is no session to start';

const exampleWho = {
  name: 'ann',
  role: 'operator',
  may_run: false,
  access: 'on',
  by: 'session',
  session_id: 12,
  expires_at: '2026-01-05T20:00:00.000Z',
  header: HEADER,
};

/** Sessions: how a browser gets by without keeping a token. */
export const sessionEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'session.start',
    title: 'Sign a browser in',
    notes:
      'Exchanges a token, or a one-time code of /session/code, in the body for a session: a cookie that no script of a page can read. A session has ' +
      'the name and the role of its token. It ends after 12 hours, after 60 minutes without a request or open stream, when it is ended ' +
      'or revoked, and with its token. Refused attempts count as failed requests of their address.',
    methods: ['POST'],
    paths: ['/session'],
    access: 'write',
    role: 'viewer',
    anyone: true,
    key: 'refused',
    params: Type.Object({
      token: Type.Optional(Type.String({ description: 'The text of an API token.', maxLength: 200 })),
      code: Type.Optional(
        Type.String({ description: 'A one-time code, in place of a token.', maxLength: 200 }),
      ),
    }),
    failures: {
      otherwise: failure(400, STORE_LOST, {}),
      parameter: failure(400, '', {}),
      invalid: failure(400, '', {}),
      wrong_state: failure(400, '', {}),
    },
    result: WhoRow,
    example: exampleWho,
    handler: async ({ token, code }, { accessIsOn, call, cookie, deny, times }) => {
      if (!accessIsOn) throw new ServiceError('access_off', IS_OFF);
      if ((token === undefined) === (code === undefined))
        throw new ServiceError('invalid', 'token or code must be there, and only one of them', 'token');
      const proof =
        token === undefined
          ? { code: readCodeText((code ?? '').trim()) ?? deny('the text is no code') }
          : { token: readTokenText(token.trim()) ?? deny('the text is no token') };
      // Only the browser has the secret.
      const { secret, hash } = newTokenSecret();
      const session = await call(sessions.start, { with: proof, hash });
      if (!session.valid) return deny(faultText(token === undefined ? 'code' : 'token', session));
      const { id, name, role, may_run = false, expires } = session;
      return {
        ...done({
          name,
          role,
          may_run: may_run || role === 'admin',
          access: 'on',
          by: 'session',
          session_id: id,
          expires_at: times.rfc3339(expires),
          header: HEADER,
        }),
        headers: { 'Set-Cookie': await cookie.make(sessionText(id, secret), expires) },
      };
    },
  }),
  defineEndpoint({
    id: 'session.show',
    title: 'Who the client is',
    methods: ['GET'],
    paths: ['/session'],
    access: 'read',
    params: Type.Object({}),
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: WhoRow,
    example: exampleWho,
    handler: async (_, { accessIsOn, mayRun, operator, principal, times }) => {
      const { kind, id } = principal?.credentials ?? {};
      const expires = principal?.expires ?? null;
      return done({
        name: operator,
        role: principal?.role ?? ('admin' satisfies Role),
        may_run: mayRun,
        access: accessIsOn ? 'on' : 'off',
        by: kind ?? 'nothing',
        session_id: kind === 'session' ? id : null,
        expires_at: expires === null ? null : times.rfc3339(expires),
        header: HEADER,
      });
    },
  }),
  defineEndpoint({
    id: 'session.end',
    title: 'Sign out',
    notes: 'Ends the session of this request at once, with its live streams.',
    methods: ['DELETE'],
    paths: ['/session'],
    access: 'write',
    role: 'viewer',
    params: Type.Object({}),
    failures: { otherwise: failure(400, STORE_LOST, {}), wrong_state: failure(400, '', {}) },
    result: EmptyObject,
    example: {},
    handler: async (_, { call, cookie, principal }) => {
      if (principal?.credentials.kind !== 'session')
        throw new ServiceError('wrong_state', 'the request has no session that could end');
      await call(sessions.end, { id: principal.credentials.id });
      return { ...done({}), headers: { 'Set-Cookie': await cookie.drop() } };
    },
  }),
  defineEndpoint({
    id: 'session.code',
    title: 'Make a one-time code, with which a browser signs in',
    notes:
      'It works once, within 60 seconds, and starts a session of the token of this request. A session cannot make one.',
    methods: ['POST'],
    paths: ['/session/code'],
    access: 'write',
    role: 'viewer',
    key: 'refused',
    params: Type.Object({}),
    failures: { otherwise: failure(400, STORE_LOST, {}), wrong_state: failure(400, '', {}) },
    result: Type.Object({ code: Type.String(), expires_at: At }),
    example: {
      code: 'rgc_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      expires_at: '2026-01-05T08:01:00.000Z',
    },
    handler: async (_, { accessIsOn, call, principal, times }) => {
      if (!accessIsOn) throw new ServiceError('access_off', IS_OFF);
      if (principal?.credentials.kind !== 'token')
        throw new ServiceError(
          'needs_token',
          'a code is made with a token (Authorization: Bearer ...), not with a session',
        );
      const { secret, hash } = newTokenSecret();
      const { expires } = await call(sessions.keepCode, { token_id: principal.tokenId, hash });
      return done({ code: codeText(secret), expires_at: times.rfc3339(expires) });
    },
  }),
  defineEndpoint({
    id: 'session.list',
    title: 'Sessions, newest first',
    methods: ['GET'],
    paths: ['/session/list'],
    access: 'read',
    role: 'admin',
    params: Type.Object({
      ended: Type.Optional(Type.Boolean({ description: 'Also those that have ended.', default: false })),
      limit: Type.Optional(
        Type.Integer({ description: 'Most rows of the answer.', minimum: 1, maximum: 1_000, default: 100 }),
      ),
      cursor: Type.Optional(Type.String({ description: 'next of the page before.', maxLength: 20 })),
    }),
    failures: {
      otherwise: failure(400, STORE_LOST, {}),
      parameter: failure(400, '', {}),
      invalid: failure(400, '', {}),
    },
    result: Type.Object({ rows: Type.Array(SessionRow), next: Type.Union([Type.String(), Type.Null()]) }),
    example: {
      rows: [
        {
          id: 12,
          token_id: 2,
          name: 'ann',
          role: 'operator',
          started_with: 'token',
          client: '10.0.0.9',
          started_at: '2026-01-05T08:00:00.000Z',
          last_used_at: '2026-01-05T08:30:00.000Z',
          expires_at: '2026-01-05T20:00:00.000Z',
          ended_at: null,
          end: null,
          ended_by: '',
          own: true,
        },
      ],
      next: null,
    },
    handler: async ({ ended = false, limit = 100, cursor }, { call, principal, times }) => {
      if (cursor !== undefined && !/^[1-9]\d{0,14}$/.test(cursor))
        throw new ServiceError(
          'other_list',
          'cursor does not belong to this list: take next of the page before',
          'cursor',
        );
      const { rows, next } = await call(sessions.list, {
        ended,
        limit,
        ...(cursor === undefined ? {} : { before: Number(cursor) }),
      });
      const own = principal?.credentials.kind === 'session' ? principal.credentials.id : undefined;
      return done({
        rows: rows.map((row) => toSessionRow(row, own, times)),
        next: next === null ? null : String(next),
      });
    },
  }),
  defineEndpoint({
    id: 'session.revoke',
    title: 'Revoke a session',
    notes: 'It is refused from then on, within a second at every gateway, and its live streams end.',
    methods: ['POST'],
    paths: ['/session/revoke/:id'],
    access: 'write',
    role: 'admin',
    params: Type.Object({ id: idOf('session') }),
    failures: {
      otherwise: failure(400, STORE_LOST, {}),
      not_found: exactFailure(404, 'session not found', {}),
    },
    result: EmptyObject,
    example: {},
    handler: async ({ id }, { call }) => {
      await call(sessions.revoke, { id });
      return done({});
    },
  }),
];
