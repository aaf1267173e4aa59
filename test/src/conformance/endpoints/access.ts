import type { EndpointSpec } from '../endpoint.js';
import { saying } from '../expectation.js';
import { id, integer, listOf, localTime, matching, objectWith, oneOf, rfc3339, text } from '../shape.js';
import { DELETE, exactRefusal, LONG_NAME, lost, READ, refusal } from './common.js';

const wrong = refusal(400, '', {});
const when = matching(/^\d{4}-\d\d-\d\dT/);
const maybe = (value: unknown, at: string) => (value === null ? undefined : when(value, at));
const maybeId = (value: unknown, at: string) => (value === null ? undefined : id(value, at));
const maybeText = (value: unknown, at: string) => (value === null ? undefined : text(value, at));
const role = oneOf('viewer', 'operator', 'admin');

/** Tokens and the audit. */
export const access: EndpointSpec[] = [
  {
    id: 'audit.list',
    methods: READ,
    paths: ['/audit'],
    access: 'read',
    params: {
      operator: { kind: 'text' },
      action: { kind: 'text' },
      target: { kind: 'text' },
      correlation_id: { kind: 'text' },
      from: { kind: 'text' },
      to: { kind: 'text' },
    },
    valid: async () => ({ outcome: 'done', from: '2026-01-01T00:00:00Z' }),
    data: listOf(
      objectWith({
        id,
        time: localTime,
        time_at: rfc3339,
        operator: text,
        action: text,
        target: text,
        name: text,
        client: text,
        correlation_id: text,
        outcome: oneOf('done', 'denied', 'refused', 'failed'),
        status: integer,
        reason: text,
        times: integer,
      }),
    ),
    pagingBeside: READ,
    refusal: refusal(400, '', []),
    wrong: [
      {
        what: 'a line that there is not',
        change: (world) => Promise.resolve({ before: world.unknownId() }),
        says: 'no line',
      },
      { what: 'an outcome that there is not', change: { outcome: 'maybe' } },
      { what: 'a time in words', change: { from: 'yesterday' } },
      { what: 'a day that the month does not have', change: { to: '2026-02-32T00:00:00Z' } },
    ],
  },
  {
    id: 'token.list',
    methods: READ,
    paths: ['/token/list'],
    access: 'read',
    valid: async () => ({}),
    data: listOf(
      objectWith({
        id,
        name: text,
        role,
        may_run: oneOf(true, false),
        created: when,
        created_by: text,
        expires: maybe,
        revoked: maybe,
        revoked_by: text,
        last_used: maybe,
      }),
    ),
    paged: {
      order: 'newest first',
      row: async (world) => {
        const token = await world.token();
        return { id: token.id, keyword: token.name };
      },
    },
    refusal: lost.list,
  },
  {
    id: 'token.create',
    methods: ['POST'],
    paths: ['/token/create'],
    access: 'write',
    key: 'kept',
    params: {
      name: { kind: 'name', required: true },
      role: { kind: 'text', required: true },
      may_run: { kind: 'flag' },
      expires: { kind: 'text' },
    },
    valid: async (world) => ({ name: world.name('token'), role: 'viewer', expires: '2126-01-01T00:00:00Z' }),
    data: objectWith({ id, token: matching(/^rgl_[1-9]\d*_[\w-]{43}$/) }),
    refusal: wrong,
    wrong: [
      { what: 'a name of 51 characters', change: { name: LONG_NAME } },
      { what: 'an empty name', change: { name: '' } },
      { what: 'the name of a part of the system', change: { name: 'Scheduler' } },
      { what: 'a name that is taken', change: async (world) => ({ name: (await world.token()).name }) },
      { what: 'a role that there is not', change: { role: 'root' } },
      { what: 'a time that is over', change: { expires: '2001-01-01T00:00:00Z' } },
      { what: 'a number of days', change: { expires: '30d' } },
    ],
  },
  {
    id: 'token.revoke',
    methods: DELETE,
    paths: ['/token/revoke/:id'],
    access: 'write',
    valid: async (world) => ({ id: (await world.token()).id }),
    data: objectWith({}),
    refusal: lost.object,
    unknownId: exactRefusal(404, 'token not found', {}),
  },
  {
    id: 'session.show',
    methods: ['GET'],
    paths: ['/session'],
    access: 'read',
    valid: async () => ({}),
    data: objectWith({
      name: text,
      role,
      may_run: oneOf(true, false),
      access: oneOf('on', 'off'),
      by: oneOf('token', 'session', 'nothing'),
      session_id: maybeId,
      expires_at: maybe,
      header: text,
    }),
    refusal: lost.object,
  },
  {
    id: 'session.list',
    methods: ['GET'],
    paths: ['/session/list'],
    access: 'read',
    params: { limit: { kind: 'integer' }, cursor: { kind: 'text' } },
    valid: async () => ({ limit: 5, cursor: '1' }),
    data: objectWith({ rows: listOf(objectWith({ id, name: text, role })), next: maybeText }),
    refusal: wrong,
    wrong: [
      { what: 'more rows than a page has', change: { limit: 1_001 } },
      { what: 'a cursor of another list', change: { cursor: 'x' } },
    ],
  },
  // How sessions begin and end is tested with access on, in attacks/a-session.test.ts.
  {
    id: 'session.start',
    methods: ['POST'],
    paths: ['/session'],
    access: 'write',
    key: 'refused',
    params: { token: { kind: 'text' }, code: { kind: 'text' } },
    valid: async () => ({ token: 'rgl_1_x' }),
    // Access is off; in the query also because an address is no place for a token.
    answered: wrong,
    data: objectWith({}),
    refusal: wrong,
  },
  {
    id: 'session.end',
    methods: ['DELETE'],
    paths: ['/session'],
    access: 'write',
    valid: async () => ({}),
    answered: saying(wrong, 'no session'),
    data: objectWith({}),
    refusal: wrong,
  },
  {
    id: 'session.code',
    methods: ['POST'],
    paths: ['/session/code'],
    access: 'write',
    key: 'refused',
    valid: async () => ({}),
    answered: saying(wrong, 'access is off'),
    data: objectWith({}),
    refusal: wrong,
  },
  {
    id: 'session.revoke',
    methods: ['POST'],
    paths: ['/session/revoke/:id'],
    access: 'write',
    valid: async () => ({ id: 1 }),
    answered: exactRefusal(404, 'session not found', {}),
    data: objectWith({}),
    refusal: lost.object,
    unknownId: exactRefusal(404, 'session not found', {}),
  },
];
