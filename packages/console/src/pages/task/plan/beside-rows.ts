import type { DiffLine } from '../../catalog/line-diff.js';

/** Unchanged lines that stand around a changed one. */
const AROUND = 3;

/** A row of two texts beside each other; a side without a line has nothing at this place. */
export interface BesideRow {
  isChanged: boolean;
  before?: { number: number; text: string };
  after?: { number: number; text: string };
}

/** Lines without a change between two changed parts, which are left out. */
export interface BesideGap {
  left: number;
}

/** The lines of a difference beside each other: what was removed stands beside what came for it. */
export function besideEachOther(lines: readonly DiffLine[]): (BesideRow | BesideGap)[] {
  const rows: BesideRow[] = [];
  const numbers = { before: 0, after: 0 };
  let removed: BesideRow[] = [];
  for (const { kind, text } of lines) {
    if (kind === 'removed') {
      const row: BesideRow = { isChanged: true, before: { number: ++numbers.before, text } };
      rows.push(row);
      removed.push(row);
    } else if (kind === 'added') {
      const after = { number: ++numbers.after, text };
      const row = removed.shift();
      if (row) row.after = after;
      else rows.push({ isChanged: true, after });
    } else {
      removed = [];
      rows.push({
        isChanged: false,
        before: { number: ++numbers.before, text },
        after: { number: ++numbers.after, text },
      });
    }
  }
  return withGaps(rows);
}

function withGaps(rows: readonly BesideRow[]): (BesideRow | BesideGap)[] {
  const keep = new Set<number>();
  for (const [index, { isChanged }] of rows.entries())
    if (isChanged) for (let n = index - AROUND; n <= index + AROUND; n++) keep.add(n);
  const shown: (BesideRow | BesideGap)[] = [];
  for (const [index, row] of rows.entries()) {
    const last = shown.at(-1);
    if (keep.has(index)) shown.push(row);
    else if (last && 'left' in last) last.left++;
    else shown.push({ left: 1 });
  }
  return shown;
}
