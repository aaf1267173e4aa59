import { type ApiToken, type Role, ServiceError, show } from '@rigel/contracts';
import { Creations, type EventMeta, execute, isDatabaseError, type Project } from '@rigel/event-store';
import type { AskedOnce } from '@rigel/messaging';
import type { Kysely, SelectQueryBuilder, Transaction } from 'kysely';
import { eventTypes } from '../event-types.js';
import { project } from '../projection.js';
import type { AccessTables } from '../tables.js';
import { tokenDecider } from './decider.js';
import { looksLike } from './look-alikes.js';

/*
 * Operations on tokens, also for the program `rigel`, which makes the first token: while access is on, the API gives
 * one only to the holder of another.
 */

export const tokenStream = (id: number): string => `token-${id}`;

export interface NewToken {
  name: string;
  role: Role;
  /** It may run one-off commands although its role could not. */
  mayRun?: true | undefined;
  hash: string;
  /** Milliseconds since 1970; null = never. */
  expires: number | null;
}

/** @returns the id. @throws ServiceError `invalid`, `conflict` */
export async function createToken(
  db: Kysely<unknown>,
  { mayRun, ...token }: NewToken,
  meta: EventMeta,
  once?: AskedOnce,
): Promise<number> {
  const by = meta.actor;
  const [id] = await new Creations(db, eventTypes).create(
    tokenDecider,
    { sequence: 'token_ids', count: 1 },
    (id) => ({
      stream: tokenStream(id),
      command: { do: 'create' as const, id, ...token, ...(mayRun ? { mayRun } : {}), by, at: Date.now() },
    }),
    // Without the secret, which the service does not have: a repetition gets the id of the token only.
    { meta, project: projectUnlessTaken, kept: once && { once, answer: ([id]) => ({ id }) } },
  );
  return id as number;
}

/** @returns whether it was in force until now. @throws ServiceError `not_found` */
export async function revokeToken(db: Kysely<unknown>, id: number, meta: EventMeta): Promise<boolean> {
  const command = { do: 'revoke' as const, id, by: meta.actor, at: Date.now() };
  const recorded = await execute(db, tokenDecider, [{ stream: tokenStream(id), command }], {
    types: eventTypes,
    meta,
    project,
  });
  return recorded.length > 0;
}

/** All tokens without their hashes, in no order. */
export function tokenRows(db: Kysely<AccessTables>): SelectQueryBuilder<AccessTables, 'tokens', ApiToken> {
  return db
    .selectFrom('tokens')
    .select(['id', 'name', 'role', 'may_run', 'created', 'created_by', 'expires', 'revoked', 'revoked_by'])
    .select((query) =>
      query
        .selectFrom('token_uses')
        .select('last_used')
        .whereRef('token_uses.token_id', '=', 'tokens.id')
        .as('last_used'),
    );
}

const FREE_AGAIN = 'a name is free again when its token is revoked';

/** Called under the lock that orders the history, so that no other token is made meanwhile. */
const projectUnlessTaken: Project = async (trx, events) => {
  const { id, name = '' } = (events[0]?.data ?? {}) as Partial<NewToken & { id: number }>;
  const others = await (trx as Transaction<AccessTables>)
    .selectFrom('tokens')
    .select('name')
    .where('revoked', 'is', null)
    .where('id', '<>', Number(id))
    .execute();
  const alike = others.find((other) => other.name !== name && looksLike(other.name, name))?.name;
  if (alike !== undefined && !others.some((other) => other.name === name))
    throw new ServiceError(
      'name_alike',
      `name ${show(name)} looks like ${show(alike)}, the name of another token; ${FREE_AGAIN}`,
      'name',
      { value: name, data: { kind: 'token', other: alike } },
    );
  await project(trx, events).catch((error: unknown) => {
    if (!isDatabaseError(error) || error.constraint !== 'tokens_name') throw error;
    throw new ServiceError('name_taken', `another token is named ${show(name)}; ${FREE_AGAIN}`, 'name', {
      value: name,
      data: { kind: 'token' },
    });
  });
};
