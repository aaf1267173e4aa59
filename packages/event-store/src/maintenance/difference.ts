/** A contradiction between the read tables and the events, or within the events. */
export type Difference =
  /** The value of a column does not follow from the events. */
  | { kind: 'value'; table: string; key: Row; column: string; value: unknown; expected: unknown }
  /** The events demand a row that is not there. */
  | { kind: 'missing row'; table: string; key: Row; expected: Row }
  /** The row does not follow from the events. */
  | { kind: 'row without events'; table: string; key: Row; row: Row }
  /** Events are missing, or rows beside them (the head, checkpoints) contradict them. */
  | { kind: 'history'; stream?: string; message: string };

/** Events are missing, so the operation would give wrong results. */
export class HistoryDamaged extends Error {
  override readonly name = 'HistoryDamaged';
}

export type Row = Record<string, unknown>;

/** A difference in one line, for people. */
export function describeDifference(difference: Difference): string {
  if (difference.kind === 'history') return difference.message;
  const key = Object.entries(difference.key)
    .map(([column, value]) => `${column}=${JSON.stringify(value)}`)
    .join(' ');
  const where = `${difference.table} ${key}`;
  switch (difference.kind) {
    case 'value':
      return `${where}: ${difference.column} is ${JSON.stringify(difference.value)}, by the events ${JSON.stringify(difference.expected)}`;
    case 'missing row':
      return `${where}: there is no row, by the events ${JSON.stringify(difference.expected)}`;
    case 'row without events':
      return `${where}: there is a row, by the events there is none`;
  }
}
