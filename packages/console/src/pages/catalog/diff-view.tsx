import type { ReactNode } from 'react';
import styles from './catalog.module.css';
import { type DiffLine, lineDiff } from './line-diff.js';

/** Unchanged lines that stand around a changed one. */
const AROUND = 3;
const SIGNS = { same: ' ', removed: '−', added: '+' } as const;

/** The difference of two texts. Long parts without a change are left out. */
export function DiffView({
  before,
  after,
  label,
}: {
  before: string;
  after: string;
  label: string;
}): ReactNode {
  const lines = lineDiff(before, after);
  const shown = near(lines);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <pre className={styles.diff} aria-label={label} tabIndex={0} role="region">
      {shown.map(({ line, index }) =>
        line === undefined ? (
          <span key={`gap ${index}`} className={styles.gap}>
            ⋯{'\n'}
          </span>
        ) : (
          <span key={index} data-kind={line.kind}>
            {SIGNS[line.kind]} {line.text}
            {'\n'}
          </span>
        ),
      )}
    </pre>
  );
}

function near(lines: readonly DiffLine[]): { line: DiffLine | undefined; index: number }[] {
  const keep = new Set<number>();
  for (const [index, { kind }] of lines.entries())
    if (kind !== 'same') for (let n = index - AROUND; n <= index + AROUND; n++) keep.add(n);
  const shown: { line: DiffLine | undefined; index: number }[] = [];
  for (const [index, line] of lines.entries()) {
    if (keep.has(index)) shown.push({ line, index });
    else if (shown.at(-1)?.line !== undefined || shown.length === 0) shown.push({ line: undefined, index });
  }
  return shown;
}
