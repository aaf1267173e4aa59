import type { CalendarEntry } from '@rigel/api-client';

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

/** A value as a field of CSV (RFC 4180). One that a spreadsheet would take for a formula begins with an apostrophe. */
export function csvField(value: string | number | null): string {
  const text = String(value ?? '');
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

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

/** Lets the browser keep a text as a file. */
export function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
