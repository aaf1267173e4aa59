/** A line of a difference: kept, taken away, or added. */
export interface DiffLine {
  kind: 'same' | 'removed' | 'added';
  text: string;
}

/** Longer texts are shown as a whole: all lines removed, all added. */
const MOST_LINES = 1_500;

/** The difference of two texts, line by line: as many lines kept as possible. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const old = before === '' ? [] : before.split('\n');
  const now = after === '' ? [] : after.split('\n');
  const line = (kind: DiffLine['kind']) => (text: string) => ({ kind, text });
  if (old.length > MOST_LINES || now.length > MOST_LINES)
    return [...old.map(line('removed')), ...now.map(line('added'))];
  // common[i][j]: the length of the longest common part of old from i on and now from j on.
  const common = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i--) {
    const row = common[i] as Uint16Array;
    const below = common[i + 1] as Uint16Array;
    for (let j = now.length - 1; j >= 0; j--)
      row[j] =
        old[i] === now[j] ? (below[j + 1] as number) + 1 : Math.max(below[j] as number, row[j + 1] as number);
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push({ kind: 'same', text: old[i] as string });
      i++;
      j++;
    } else if (
      j < now.length &&
      (i === old.length || (common[i]?.[j + 1] ?? 0) > (common[i + 1]?.[j] ?? 0))
    ) {
      lines.push({ kind: 'added', text: now[j++] as string });
    } else {
      lines.push({ kind: 'removed', text: old[i++] as string });
    }
  }
  return lines;
}

/** A value of the API as text whose lines can be compared. */
export function asText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  const script = scriptOf(value);
  return script ?? JSON.stringify(value, null, 2);
}

/** The text of an implementation, which reads better than its JSON. */
function scriptOf(value: unknown): string | undefined {
  const action = (value as { action?: { module?: unknown; args?: unknown; content?: unknown } }).action;
  if (typeof action !== 'object' || action === null || Object.keys(value as object).length > 1)
    return undefined;
  const text =
    action.module === 'shell' ? action.args : action.module === 'longscript' ? action.content : undefined;
  return typeof text === 'string' ? text : undefined;
}
