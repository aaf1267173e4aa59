import { ALL_SEARCH_KINDS, Found, SEARCH_KINDS, type SearchKind, search } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure, WrongParameter } from '../failures.js';
import { isThere, missingOf, partOf } from './about-all.js';
import { MissingPart } from './overview.js';

export const FoundRow = Type.Object({
  kind: Type.Enum([...ALL_SEARCH_KINDS]),
  ...Found.properties,
});

function kindsIn(text: string): readonly SearchKind[] {
  if (text === '') return ALL_SEARCH_KINDS;
  return text.split(',').map((part) => {
    const kind = ALL_SEARCH_KINDS.find((one) => one === part.trim());
    if (kind) return kind;
    throw new WrongParameter(
      `kinds has ${JSON.stringify(part.trim())}, which is none: there are ${ALL_SEARCH_KINDS.join(', ')}`,
      'kinds',
    );
  });
}

/** The search of each service. */
const RPCS = { inventory: search.inventory, scheduler: search.scheduler, catalog: search.catalog };

export const searchEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'search',
    title: 'Objects by id, name, address or machine',
    notes:
      'Up to 8 of each kind: first what has exactly this id (also as `#42`), name, address or machine, then names that contain the ' +
      'text and addresses and machines that begin with it. Of tasks, the names of the newest 5,000 are looked through.',
    methods: ['GET'],
    paths: ['/search'],
    access: 'read',
    params: Type.Object({
      q: Type.String({ minLength: 1, maxLength: 200, description: 'What is looked for.' }),
      kinds: Type.String({
        default: '',
        maxLength: 200,
        description: `Kinds of objects, separated by commas; empty = all: ${ALL_SEARCH_KINDS.join(', ')}.`,
      }),
    }),
    failures: { otherwise: failure(400, '', {}) },
    result: Type.Object({
      rows: Type.Array(FoundRow),
      missing: Type.Array(MissingPart, { description: 'Services that do not answer now.' }),
    }),
    example: {
      rows: [{ kind: 'task', id: 42, name: 'move', detail: 'web-pool · running', exact: true }],
      missing: [],
    },
    handler: async ({ q, kinds }, { call }) => {
      const wanted = kindsIn(kinds);
      const services = Object.keys(SEARCH_KINDS) as (keyof typeof SEARCH_KINDS)[];
      const asked = services.flatMap((service) => {
        const own = SEARCH_KINDS[service].filter((kind) => wanted.includes(kind));
        return own.length === 0 ? [] : [[service, partOf(call, RPCS[service], { q, kinds: own })] as const];
      });
      const parts = Object.fromEntries(
        await Promise.all(asked.map(async ([service, part]) => [service, await part] as const)),
      );
      const found = Object.values(parts).flatMap((part) => (isThere(part) ? part.is.found : []));
      const order = (kind: string) => ALL_SEARCH_KINDS.indexOf(kind as SearchKind);
      const rows = found.sort((a, b) => Number(b.exact) - Number(a.exact) || order(a.kind) - order(b.kind));
      return done({ rows, missing: missingOf(parts) });
    },
  }),
];
