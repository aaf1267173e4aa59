import { timingSafeEqual } from 'node:crypto';
import {
  type Credentials,
  type RpcResponse,
  SESSION_IDLE_MS,
  type SessionEnd,
  type SessionFault,
  type sessions,
} from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import { LAST_USE_MS } from '../last-use.js';
import type { AccessTables } from '../tables.js';

/** The parts of a session and of its token that decide whether it is valid. */
export interface Validity {
  started: number;
  last_used: number | null;
  expires: number;
  ended: number | null;
  end_why: SessionEnd | null;
  token_revoked: number | null;
  token_expires: number | null;
}

/** Why a session is not valid at a time; undefined = it is. */
export function faultOf(
  session: Validity,
  now: number,
): Extract<SessionFault, 'ended' | 'revoked' | 'token' | 'idle' | 'expired'> | undefined {
  if (session.ended !== null) return session.end_why === 'revoked' ? 'revoked' : 'ended';
  const { token_revoked, token_expires, last_used, started, expires } = session;
  if (token_revoked !== null || (token_expires !== null && token_expires <= now)) return 'token';
  if (expires <= now) return 'expired';
  // The recorded last use may be this much older than the real one.
  return Math.max(last_used ?? 0, started) + SESSION_IDLE_MS + LAST_USE_MS <= now ? 'idle' : undefined;
}

/** Sessions with the parts of their tokens that decide whether they are valid. */
export function withValidity(db: Kysely<AccessTables>) {
  return db
    .selectFrom('sessions')
    .innerJoin('tokens', 'tokens.id', 'sessions.token_id')
    .leftJoin('session_uses', 'session_uses.session_id', 'sessions.id')
    .select([
      'sessions.id',
      'sessions.started',
      'sessions.expires',
      'sessions.ended',
      'sessions.end_why',
      'session_uses.last_used',
      'tokens.name',
      'tokens.role',
      sql<number>`tokens.id`.as('token_id'),
      sql<number | null>`tokens.revoked`.as('token_revoked'),
      sql<number | null>`tokens.expires`.as('token_expires'),
    ]);
}

/** The hash to compare with if no session has the id, so that the answer takes the same time. */
const NO_HASH = Buffer.alloc(32).toString('hex');

/** Whether a session is valid now. As with tokens, the work does not depend on what is wrong. */
export async function checkSession(
  db: Kysely<AccessTables>,
  { id, hash }: Credentials,
  now: number,
): Promise<RpcResponse<typeof sessions.check>> {
  const session = await withValidity(db)
    .select(['sessions.hash', 'tokens.may_run'])
    .where('sessions.id', '=', id)
    .executeTakeFirst();
  const same = timingSafeEqual(Buffer.from(hash), Buffer.from(session?.hash ?? NO_HASH));
  if (!session) return { valid: false, fault: 'unknown', name: '' };
  const { name, role, may_run, token_id, expires } = session;
  if (!same) return { valid: false, fault: 'wrong', name };
  const fault = faultOf(session, now);
  if (fault) return { valid: false, fault, name };
  return { valid: true, id, token_id, name, role, may_run, expires };
}
