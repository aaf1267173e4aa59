import { type Kysely, sql } from 'kysely';
import type { AccessTables } from '../tables.js';

/** It is written down once in so long, however often a token is used. */
const RESOLUTION_MS = 60_000;

/** Tokens that this process has seen used lately, and when it wrote that down. */
export class LastUse {
  private readonly written = new Map<number, number>();

  constructor(private readonly db: Kysely<AccessTables>) {}

  /** Notes that a token is being used. Other processes may have noted it too; the latest time stays. */
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
