import type { AuditEntry } from '@rigel/api-client';
import { csvField } from '../../text/csv.js';

const COLUMNS = [
  'time_at',
  'outcome',
  'operator',
  'action',
  'target',
  'name',
  'client',
  'correlation_id',
  'status',
  'reason',
  'times',
] as const satisfies readonly (keyof AuditEntry)[];

export type Form = 'csv' | 'jsonl';

/** Lines as CSV with a line of titles, or as one JSON object a line. */
export function linesAs(form: Form, lines: readonly AuditEntry[]): string {
  if (form === 'jsonl') return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const rows = lines.map((line) => COLUMNS.map((name) => csvField(line[name])).join(','));
  return `${[COLUMNS.join(','), ...rows].join('\r\n')}\r\n`;
}
