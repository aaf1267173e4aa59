import { CatalogChange, type CatalogKind, CatalogUses, catalog, show } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure, WrongParameter } from '../failures.js';
import { idOf } from './common.js';
import { cursorParams, partOf, rowsOf } from './lists.js';

const { time: _time, client: _client, ...change } = CatalogChange.properties;
export const CatalogChangeRow = Type.Object({
  ...change,
  at: Type.String({ description: 'RFC 3339, in UTC.' }),
  client: Type.Optional(
    Type.String({ description: 'Address of the client, for admins; empty: from inside.' }),
  ),
});

export const UsesRow = CatalogUses;

/** A cursor is the position of the last row. @throws WrongParameter */
function positionOf(cursor: string | undefined): { before?: number } {
  if (cursor === undefined) return {};
  if (/^[1-9]\d{0,14}$/.test(cursor)) return { before: Number(cursor) };
  throw new WrongParameter(`cursor must be the next of the page before (got ${show(cursor)})`, 'cursor', {
    code: 'other_list',
  });
}

const failures = { otherwise: failure(400, '', {}), not_found: failure(404, '', {}) };

function readsOf(resource: string, kind: CatalogKind, what: string): Endpoint[] {
  return [
    defineEndpoint({
      id: `${resource}.history`,
      title: `Changes of ${what}, newest first, also after its deletion`,
      ...(kind === 'action' ? { notes: 'The changes of its implementations stand among them.' } : {}),
      methods: ['GET'],
      paths: [`/${resource}/:id/history`],
      access: 'read',
      params: Type.Object({ id: idOf(kind.replace('_', ' ')), ...cursorParams }),
      failures,
      result: rowsOf(CatalogChangeRow),
      example: {
        rows: [
          {
            position: 912,
            version: 2,
            at: '2026-11-30T09:14:07.201Z',
            operator: 'ann',
            client: '10.0.0.9',
            correlation_id: '4be0a1c2',
            change: 'changed',
            fields: [{ name: 'desc', before: 'starts it', after: 'starts the program' }],
          },
        ],
        next: null,
      },
      handler: async ({ id, ...part }, { call, times, isAdmin }) => {
        const { limit, cursor } = partOf(part);
        const { entries, more } = await call(catalog.history, { kind, id, limit, ...positionOf(cursor) });
        const rows = entries.map(({ time, client, ...entry }) => ({
          ...entry,
          at: times.rfc3339(time),
          ...(isAdmin ? { client } : {}),
        }));
        return done({ rows, next: more ? String(entries.at(-1)?.position) : null });
      },
    }),
    defineEndpoint({
      id: `${resource}.uses`,
      title: `Where ${what} is used`,
      methods: ['GET'],
      paths: [`/${resource}/:id/uses`],
      access: 'read',
      params: Type.Object({ id: idOf(kind.replace('_', ' ')) }),
      failures,
      result: UsesRow,
      example: {
        remote_steps: { rows: [{ id: 1, name: 'restart' }], total: 1 },
        templates: { rows: [{ id: 2, name: 'rollout' }], total: 1 },
        pools: { rows: [{ id: 4, name: 'shop-a', kinds: ['deploy'], template_id: 2 }], total: 1 },
      },
      handler: async ({ id }, { call }) => done(await call(catalog.uses, { kind, id })),
    }),
  ];
}

/** The history of things of the catalog, and where they are used. */
export const catalogReads: Endpoint[] = [
  ...readsOf('action', 'action', 'an action'),
  ...readsOf('remote_step', 'remote_step', 'a remote step'),
  ...readsOf('task_tpl', 'template', 'a template'),
];
