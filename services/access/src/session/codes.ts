import { SESSION_CODE_MS, ServiceError } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import type { AccessTables } from '../tables.js';

/*
 * One-time codes, by which a program that has a token lets a browser sign in. They are no events: a code works once,
 * within a minute, and the session that it starts is an event.
 */

/** Keeps the hash of a code. Codes whose time is over are removed with the next one. @returns when it stops working. */
export async function keepCode(
  db: Kysely<AccessTables>,
  { token_id, hash }: { token_id: number; hash: string },
  now: number,
): Promise<{ expires: number }> {
  const expires = now + SESSION_CODE_MS;
  await db.deleteFrom('session_codes').where('expires', '<=', now).execute();
  const { numInsertedOrUpdatedRows = 0n } = await db
    .insertInto('session_codes')
    .values({ hash, token_id, expires })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 0n)
    throw new ServiceError('conflict', 'there is this code already', 'hash');
  return { expires };
}

/** Takes a code, so that it works once even if several requests bring it together. @returns its token's id. */
export async function takeCode(
  db: Kysely<AccessTables>,
  hash: string,
  now: number,
): Promise<number | undefined> {
  const { rows } = await sql<{ token_id: number }>`
    DELETE FROM session_codes WHERE hash = ${hash} AND expires > ${now} RETURNING token_id`.execute(db);
  return rows[0]?.token_id;
}
