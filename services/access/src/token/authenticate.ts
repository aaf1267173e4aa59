import { timingSafeEqual } from 'node:crypto';
import type { access, RpcResponse } from '@rigel/contracts';
import type { Kysely } from 'kysely';
import type { AccessTables } from '../tables.js';

/** The hash to compare with if no token has the id, so that the answer takes the same time. */
const NO_HASH = Buffer.alloc(32).toString('hex');

/**
 * Whether a token is valid now. The work does not depend on what is wrong: one look-up by id, and one comparison whose
 * time does not depend on where two hashes differ.
 */
export async function authenticate(
  db: Kysely<AccessTables>,
  { id, hash }: { id: number; hash: string },
  now: number,
): Promise<RpcResponse<typeof access.authenticate>> {
  const token = await db
    .selectFrom('tokens')
    .select(['name', 'role', 'may_run', 'hash', 'expires', 'revoked'])
    .where('id', '=', id)
    .executeTakeFirst();
  const same = timingSafeEqual(Buffer.from(hash), Buffer.from(token?.hash ?? NO_HASH));
  if (!token) return { valid: false, fault: 'unknown', name: '' };
  const { name, role, may_run, expires, revoked } = token;
  if (!same) return { valid: false, fault: 'wrong', name };
  if (revoked !== null) return { valid: false, fault: 'revoked', name };
  if (expires !== null && expires <= now) return { valid: false, fault: 'expired', name };
  return { valid: true, name, role, may_run, expires };
}
