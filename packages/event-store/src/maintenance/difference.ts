/** Something in which the database does not agree with its events, or the events not with themselves. */
export type Difference =
  /** A column has another value than follows from the events. */
  | { kind: 'value'; table: string; key: Row; column: string; value: unknown; expected: unknown }
  /** By the events there should be a row. */
  | { kind: 'missing row'; table: string; key: Row; expected: Row }
  /** By the events there should be no such row. */
  | { kind: 'row without events'; table: string; key: Row; row: Row }
  /** The events themselves are not whole, or what is kept beside them contradicts them. */
  | { kind: 'history'; stream?: string; message: string };

/** The history does not allow what is to be done with it. */
export class HistoryDamaged extends Error {
  override readonly name = 'HistoryDamaged';
}

export type Row = Record<string, unknown>;

/** A difference in words, in one line. */
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
