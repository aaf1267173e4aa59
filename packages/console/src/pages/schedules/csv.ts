import type { CalendarEntry } from '@rigel/api-client';
import { csvField } from '../../text/csv.js';

const COLUMNS = [
  'due_at',
  'zone',
  'cause',
  'outcome',
  'reason',
  'task_ids',
  'item_time',
  'item_week_day',
  'instance_num',
  'recorded_at',
] as const;

/** The rows of a ledger as CSV, with a line of titles. */
export function ledgerCsv(rows: readonly CalendarEntry[]): string {
  const lines = rows.map(({ due_at, zone, cause, outcome, reason, task_ids, item, recorded_at }) =>
    [
      due_at,
      zone,
      cause,
      outcome,
      reason,
      task_ids.join(' '),
      item.time,
      item.week_day,
      item.instance_num,
      recorded_at,
    ]
      .map(csvField)
      .join(','),
  );
  return `${[COLUMNS.join(','), ...lines].join('\r\n')}\r\n`;
}
