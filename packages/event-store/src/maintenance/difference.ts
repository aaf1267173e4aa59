import type { FoundDifference } from '@rigel/contracts';

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
  const where = `${difference.table} ${keyText(difference.key)}`;
  switch (difference.kind) {
    case 'value':
      return `${where}: ${difference.column} is ${JSON.stringify(difference.value)}, by the events ${JSON.stringify(difference.expected)}`;
    case 'missing row':
      return `${where}: there is no row, by the events ${JSON.stringify(difference.expected)}`;
    case 'row without events':
      return `${where}: there is a row, by the events there is none`;
  }
}

const keyText = (key: Row): string =>
  Object.entries(key)
    .map(([column, value]) => `${column}=${JSON.stringify(value)}`)
    .join(' ');

/** Characters of a value, and of a whole difference, that are kept. */
const MAX_VALUE = 300;
const MAX_TEXT = 1_000;

const shortened = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;

/** A difference in parts of bounded length, as it is kept and told. */
export function foundOf(difference: Difference): FoundDifference {
  const text = shortened(describeDifference(difference), MAX_TEXT);
  const { kind } = difference;
  if (kind === 'history') return { kind, table: '', row: '', column: '', value: '', expected: '', text };
  const json = (value: unknown): string => shortened(JSON.stringify(value) ?? '', MAX_VALUE);
  const { table, key } = difference;
  return {
    kind,
    table,
    row: shortened(keyText(key), MAX_VALUE),
    column: kind === 'value' ? difference.column : '',
    value:
      kind === 'value' ? json(difference.value) : kind === 'row without events' ? json(difference.row) : '',
    expected: kind === 'row without events' ? '' : json(difference.expected),
    text,
  };
}
