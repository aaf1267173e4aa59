import { access, checkText, type RpcRequest } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import { readPage } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import type { AccessTables } from '../tables.js';
import { type AuditRow, insertAudit } from './rows.js';

/** Serves the operations on the audit. */
export function serveAudit(operations: Operations, db: Kysely<AccessTables>): void {
  operations.serve(access.recordRequests, async (request) => {
    await insertAudit(db, rowsOf(request));
    return {};
  });

  operations.serve(access.listAudit, ({ operator, action, target, outcome, from, to, ...page }) => {
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
    for (const [column, value] of Object.entries({ operator, action, target, outcome })) {
      if (value === undefined) continue;
      query = query.where(column as 'operator', '=', checkText(column, value));
    }
    if (from !== undefined) query = query.where('time', '>=', from);
    if (to !== undefined) query = query.where('time', '<', to);
    return readPage(query.orderBy('time', 'desc').orderBy('id', 'desc'), page);
  });
}

/**
 * The line with the number of dropped requests gets the number after the last reported request, so it is recorded once
 * too.
 */
function rowsOf({ gateway, requests, dropped }: RpcRequest<typeof access.recordRequests>): AuditRow[] {
  const source = `gateway-${gateway}`;
  const rows = requests.map(({ number, ...request }): AuditRow => {
    return { source, position: number, name: '', ...request };
  });
  const last = requests.at(-1);
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
