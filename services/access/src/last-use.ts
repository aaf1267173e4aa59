import { type Kysely, sql } from 'kysely';
import type { AccessTables } from './tables.js';

/** The last use is recorded once in this time, however often a token or session is used. */
export const LAST_USE_MS = 60_000;

/** Most ids that are remembered; without them, a use is recorded once too often. */
const MAX_REMEMBERED = 10_000;

/** Where the last uses stand: of tokens, or of sessions. */
const TABLES = { token_uses: 'token_id', session_uses: 'session_id' } as const;

/** Tokens or sessions that were used lately at this process, and when it recorded that. */
export class LastUse {
  private readonly written = new Map<number, number>();

  constructor(
    private readonly db: Kysely<AccessTables>,
    private readonly table: keyof typeof TABLES,
  ) {}

  /** Records that it is being used. Other processes may record it too; the latest time stays. */
  async note(id: number, now: number): Promise<void> {
    const last = this.written.get(id);
    if (last !== undefined && now - last < LAST_USE_MS) return;
    if (this.written.size >= MAX_REMEMBERED) this.written.clear();
    this.written.set(id, now);
    await sql`
      INSERT INTO ${sql.table(this.table)} (${sql.ref(TABLES[this.table])}, last_used) VALUES (${id}, ${now})
      ON CONFLICT (${sql.ref(TABLES[this.table])}) DO UPDATE SET last_used = excluded.last_used
      WHERE ${sql.table(this.table)}.last_used < excluded.last_used`.execute(this.db);
  }
}
