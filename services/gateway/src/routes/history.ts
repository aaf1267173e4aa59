import { HistoryEntry, type HistoryKind, inventory } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import type { TimeFormat } from '../answer/time-format.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure } from '../failures.js';
import { idOf, READ_BY_GET } from './common.js';
import { Cursor, cursorOf, Limit, partOf, placeOf } from './list-parts.js';

const { change, fields, nodes, addresses } = HistoryEntry.properties;

export const HistoryRow = Type.Object({
  version: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Version of the thing after it; null: a change of its nodes, not of the thing itself.',
  }),
  changed_at: Type.String({ description: 'RFC 3339, in UTC.' }),
  operator: Type.String({
    description: 'Who did it; where the system acted for itself, the part of it that did.',
  }),
  change,
  fields,
  nodes,
  addresses,
  correlation_id: Type.String({ description: 'The one of the answer’s header X-Correlation-Id.' }),
  client: Type.Optional(
    Type.String({ description: 'Address that the request came from; empty: from inside. For admins only.' }),
  ),
});

function toRow({ time, client, ...entry }: HistoryEntry, times: TimeFormat, isAdmin: boolean) {
  const { position: _, version = null, ...row } = entry;
  return { ...row, version, changed_at: times.rfc3339(time), ...(isAdmin ? { client } : {}) };
}

function historyOf(kind: HistoryKind, what: string): Endpoint {
  return defineEndpoint({
    id: `${kind}.history`,
    title: `What happened to a ${what}, newest first`,
    notes:
      kind === 'pool'
        ? 'Also of one that was deleted. Nodes that one request entered or removed are one row. What tasks did is in their logs.'
        : 'Also of one that was deleted.',
    methods: READ_BY_GET,
    paths: [`/${kind}/:id/history`],
    access: 'read',
    params: Type.Object({ id: idOf(what), limit: Limit, cursor: Cursor }),
    failures: { otherwise: failure(400, '', {}), not_found: failure(404, '', {}) },
    result: partOf(HistoryRow),
    example: {
      rows: [
        {
          version: 2,
          changed_at: '2026-01-05T08:00:00.000Z',
          operator: 'ann',
          change: 'changed',
          fields: [{ name: 'desc', before: '', after: 'first room' }],
          correlation_id: '4f1c2a9be01d33aa',
        },
      ],
      next: null,
    },
    handler: async ({ id, limit, cursor }, { call, times, isAdmin }) => {
      const before = placeOf(cursor);
      const { entries, more } = await call(inventory.history, {
        kind,
        id,
        limit,
        ...(before === undefined ? {} : { before }),
      });
      const last = entries.at(-1);
      return done({
        rows: entries.map((entry) => toRow(entry, times, isAdmin)),
        next: more && last ? cursorOf(last.position) : null,
      });
    },
  });
}

/** The histories of the inventory's things. */
export const histories: Endpoint[] = [
  historyOf('cluster', 'cluster'),
  historyOf('service', 'service'),
  historyOf('pool', 'pool'),
  historyOf('node', 'node'),
];
