import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Lines of the audit by action, and those that were not done: both filters may fit few lines of very many. Those that were done
 * are nearly all, and need no index.
 */
export const auditByAction: Migration = {
  async up(db) {
    await sql`CREATE INDEX audit_action ON audit (action, time, id)`.execute(db);
    await sql`CREATE INDEX audit_denied ON audit (time, id) WHERE outcome = 'denied'`.execute(db);
    await sql`CREATE INDEX audit_refused ON audit (time, id) WHERE outcome = 'refused'`.execute(db);
    await sql`CREATE INDEX audit_failed ON audit (time, id) WHERE outcome = 'failed'`.execute(db);
  },
};
