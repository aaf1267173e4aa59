import { access, checkText, noSuch, type RpcRequest } from '@rigel/contracts';
import type { EventConsumer } from '@rigel/event-store';
import type { Operations } from '@rigel/runtime';
import { readPage } from '@rigel/runtime/database';
import { type Kysely, type SqlBool, sql } from 'kysely';
import type { AccessTables } from '../tables.js';
import { type AuditRow, insertAudit } from './rows.js';

/** Longest wait for the events of the services, in milliseconds. Then an answer may lack the last of them. */
const CATCH_UP_MS = 1_000;

/** Serves the operations on the audit. */
export function serveAudit(
  operations: Operations,
  { db, followers }: { db: Kysely<AccessTables>; followers: readonly EventConsumer[] },
): void {
  operations.serve(access.recordRequests, async (request) => {
    await insertAudit(db, rowsOf(request));
    return {};
  });

  operations.serve(
    access.listAudit,
    async ({ operator, action, target, outcome, correlation_id, before, from, to, ...page }) => {
      // So that the audit has what its reader just did.
      await Promise.all(followers.map((follower) => follower.caughtUp(CATCH_UP_MS)));
      let query = db
        .selectFrom('audit')
        .select([
          'id',
          'time',
          'operator',
          'action',
          'target',
          'name',
          'client',
          'correlation_id',
          'outcome',
          'status',
          'reason',
          'times',
        ]);
      for (const [column, value] of Object.entries({ operator, action, target, outcome, correlation_id })) {
        if (value === undefined) continue;
        query = query.where(column as 'operator', '=', checkText(column, value));
      }
      if (before !== undefined) {
        const line = await db.selectFrom('audit').select('time').where('id', '=', before).executeTakeFirst();
        if (!line) throw noSuch('audit_line', before, `the audit has no line ${before}`, 'before');
        query = query.where(sql<SqlBool>`(time, id) < (${line.time}, ${before})`);
      }
      if (from !== undefined) query = query.where('time', '>=', from);
      if (to !== undefined) query = query.where('time', '<', to);
      return readPage(query.orderBy('time', 'desc').orderBy('id', 'desc'), page);
    },
  );
}

/**
 * The line with the number of dropped requests gets the number after the last reported request, so it is recorded once
 * too.
 */
function rowsOf({
  gateway,
  requests,
  done = [],
  dropped,
}: RpcRequest<typeof access.recordRequests>): AuditRow[] {
  const source = `gateway-${gateway}`;
  const rows = [
    ...requests.map(
      ({ number, ...request }): AuditRow => ({ source, position: number, name: '', ...request }),
    ),
    ...done.map(
      ({ number, ...request }): AuditRow => ({
        ...{ source, position: number, name: '', ...request },
        ...{ outcome: 'done', status: 0, reason: '' },
      }),
    ),
  ];
  const last = [...requests, ...done].sort((a, b) => a.number - b.number).at(-1);
  if (dropped === 0 || !last) return rows;
  return [
    ...rows,
    {
      source: `${source}-dropped`,
      position: last.number,
      time: last.time,
      operator: 'gateway',
      action: 'audit.dropped',
      target: '',
      name: '',
      client: '',
      correlation_id: '',
      outcome: 'failed',
      status: 0,
      reason: `${dropped} unsuccessful requests came too fast to be recorded one by one`,
    },
  ];
}
