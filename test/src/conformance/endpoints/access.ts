import type { EndpointSpec } from '../endpoint.js';
import { id, integer, listOf, localTime, matching, objectWith, oneOf, rfc3339, text } from '../shape.js';
import { DELETE, exactRefusal, LONG_NAME, lost, READ, refusal } from './common.js';

const wrong = refusal(400, '', {});
const when = matching(/^\d{4}-\d\d-\d\dT/);
const maybe = (value: unknown, at: string) => (value === null ? undefined : when(value, at));
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
];
