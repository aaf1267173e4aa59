import { type Kysely, sql } from 'kysely';
import type { AccessTables } from '../tables.js';

/** The last use of a token is recorded once in this time, however often it is used. */
const RESOLUTION_MS = 60_000;

/** Tokens that were used lately at this process, and when it recorded that. */
export class LastUse {
  private readonly written = new Map<number, number>();

  constructor(private readonly db: Kysely<AccessTables>) {}

  /** Records that a token is being used. Other processes may record it too; the latest time stays. */
  async note(tokenId: number, now: number): Promise<void> {
    const last = this.written.get(tokenId);
    if (last !== undefined && now - last < RESOLUTION_MS) return;
    this.written.set(tokenId, now);
    await sql`
      INSERT INTO token_uses (token_id, last_used) VALUES (${tokenId}, ${now})
      ON CONFLICT (token_id) DO UPDATE SET last_used = excluded.last_used
      WHERE token_uses.last_used < excluded.last_used`.execute(this.db);
  }
}
