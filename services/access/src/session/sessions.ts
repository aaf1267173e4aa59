import { randomBytes } from 'node:crypto';
import {
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  type Session,
  type SessionEnd,
  type StartedWith,
  type sessions,
} from '@rigel/contracts';
import {
  Creations,
  type EventMeta,
  execute,
  metaOf,
  type Project,
  type RecordedEvent,
} from '@rigel/event-store';
import { type Kysely, sql, type Transaction } from 'kysely';
import { eventTypes } from '../event-types.js';
import { project } from '../projection.js';
import type { AccessTables } from '../tables.js';
import { authenticate } from '../token/authenticate.js';
import { takeCode } from './codes.js';
import { type SessionStarted, sessionDecider } from './decider.js';
import { faultOf, withValidity } from './validity.js';

/** Most open sessions of one token: what leaves out to keep its cookie starts one with every request. */
const MOST_OPEN = 100;

const sessionStream = (id: number): string => `session-${id}`;

type Started = RpcResponse<typeof sessions.start>;

/** Starts a session by a token or a code that is valid now. @throws ServiceError `wrong_state` */
export async function startSession(
  db: Kysely<AccessTables>,
  { with: proof, hash }: RpcRequest<typeof sessions.start>,
  context: EventMeta,
): Promise<Started> {
  const at = Date.now();
  const token = 'token' in proof ? await tokenOf(db, proof.token, at) : await tokenOfCode(db, proof.code, at);
  if (!token.valid) return token;
  const { id: tokenId, name, role, may_run, expires: tokenExpires } = token;
  const startedWith: StartedWith = 'token' in proof ? 'token' : 'code';
  const [id = 0] = await new Creations(db as Kysely<unknown>, eventTypes).create(
    sessionDecider,
    { sequence: 'session_ids', count: 1 },
    (id) => ({
      stream: sessionStream(id),
      command: { do: 'start' as const, id, token: tokenId, name, hash, with: startedWith, tokenExpires, at },
    }),
    // Nobody was signed in before: the operator is the one who is now.
    { meta: metaOf(context, name), project: projectUnlessTooMany },
  );
  const { expires } = await db
    .selectFrom('sessions')
    .select('expires')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return { valid: true, id, token_id: tokenId, name, role, ...(may_run ? { may_run } : {}), expires };
}

async function tokenOf(db: Kysely<AccessTables>, credentials: { id: number; hash: string }, now: number) {
  const verdict = await authenticate(db, credentials, now);
  return verdict.valid ? { ...verdict, id: credentials.id } : verdict;
}

/** The token that a code was made with. Its secret was checked when the code was made. */
async function tokenOfCode(db: Kysely<AccessTables>, code: string, now: number) {
  const id = await takeCode(db, code, now);
  if (id === undefined) return { valid: false, fault: 'unknown', name: '' } as const;
  const token = await db
    .selectFrom('tokens')
    .select(['name', 'role', 'may_run', 'expires', 'revoked'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (!token) return { valid: false, fault: 'unknown', name: '' } as const;
  const { name, role, may_run, expires, revoked } = token;
  if (revoked !== null) return { valid: false, fault: 'revoked', name } as const;
  if (expires !== null && expires <= now) return { valid: false, fault: 'expired', name } as const;
  return { valid: true, id, name, role, may_run, expires } as const;
}

/** Called under the lock that orders the history, so that no other session is started meanwhile. */
const projectUnlessTooMany: Project = async (trx, events) => {
  const started = events[0] as RecordedEvent;
  const { token, name } = started.data as SessionStarted;
  const open = await (trx as Transaction<AccessTables>)
    .selectFrom('sessions')
    .select(sql<number>`count(*)`.as('count'))
    .where('ended', 'is', null)
    .where('token_id', '=', token)
    .executeTakeFirstOrThrow();
  if (Number(open.count) >= MOST_OPEN)
    throw new ServiceError(
      'sessions_full',
      `token ${name} has ${MOST_OPEN} open sessions, which is the most: sign out of one, or revoke one (/session/revoke)`,
      undefined,
      { data: { limit: MOST_OPEN, name } },
    );
  await project(trx, events);
};

/** Ends or revokes a session. @throws ServiceError `not_found` */
export async function endSession(
  db: Kysely<AccessTables>,
  id: number,
  why: SessionEnd,
  meta: EventMeta,
): Promise<void> {
  const at = Date.now();
  const by = meta.actor;
  const command =
    why === 'revoked' ? { do: 'revoke' as const, id, by, at } : { do: 'end' as const, id, why, by, at };
  await execute(db as Kysely<unknown>, sessionDecider, [{ stream: sessionStream(id), command }], {
    types: eventTypes,
    meta,
    project,
  });
}

/**
 * Records the end of sessions that are not valid any more because of their time or their token. Nothing depends on when
 * this is done: a session stops working at its end, see `faultOf`.
 * @returns how many.
 */
export async function endWhatIsOver(db: Kysely<AccessTables>, now: number): Promise<number> {
  const open = await withValidity(db).where('sessions.ended', 'is', null).execute();
  let ended = 0;
  for (const session of open) {
    const why = faultOf(session, now);
    if (why !== 'token' && why !== 'idle' && why !== 'expired') continue;
    const correlationId = randomBytes(8).toString('hex');
    await endSession(db, session.id, why, { correlationId, actor: 'system' });
    ended++;
  }
  return ended;
}

/** Sessions, newest first. */
export async function listSessions(
  db: Kysely<AccessTables>,
  { ended, before, limit }: RpcRequest<typeof sessions.list>,
): Promise<RpcResponse<typeof sessions.list>> {
  let query = withValidity(db)
    .select(['sessions.started_with', 'sessions.client', 'sessions.ended_by'])
    .orderBy('sessions.id', 'desc')
    .limit(limit + 1);
  if (!ended) query = query.where('sessions.ended', 'is', null);
  if (before !== undefined) query = query.where('sessions.id', '<', before);
  const found = await query.execute();
  const rows = found
    .slice(0, limit)
    .map(({ token_revoked: _r, token_expires: _e, end_why, last_used, ...row }): Session => {
      return { ...row, last_used: Math.max(last_used ?? 0, row.started), end: end_why };
    });
  return { rows, next: found.length > limit ? (rows.at(-1)?.id ?? null) : null };
}
