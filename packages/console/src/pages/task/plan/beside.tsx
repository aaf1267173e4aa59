import type { ReactNode } from 'react';
import { useWords } from '../../../text/intl.js';
import { lineDiff } from '../../catalog/line-diff.js';
import { besideEachOther } from './beside-rows.js';
import styles from './recorded.module.css';
import { recordedWords } from './words.js';

/** Rows that are shown: a text may have thousands of lines. */
const MOST_ROWS = 400;

/** Two texts beside each other, line by line. Long parts without a change are left out. */
export function Beside({
  before,
  after,
  label,
}: {
  before: string;
  after: string;
  label: string;
}): ReactNode {
  const text = useWords(recordedWords);
  const rows = besideEachOther(lineDiff(before, after));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <div className={styles.beside} tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr className={styles.heads}>
            <th scope="col">{text('recorded')}</th>
            <th scope="col">{text('now')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row, index) =>
            'left' in row ? (
              // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place.
              <tr key={index}>
                <td colSpan={2} className={styles.gap}>
                  ⋯ {text('left.out', { count: row.left })}
                </td>
              </tr>
            ) : (
              // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place.
              <tr key={index}>
                <Side side={row.before} kind={row.isChanged ? 'gone' : undefined} />
                <Side side={row.after} kind={row.isChanged ? 'added' : undefined} />
              </tr>
            ),
          )}
        </tbody>
      </table>
      {rows.length > MOST_ROWS && <p>{text('more.lines', { count: rows.length - MOST_ROWS })}</p>}
    </div>
  );
}

const SIGNS = { gone: '−', added: '+' } as const;

function Side({
  side,
  kind,
}: {
  side: { number: number; text: string } | undefined;
  kind: keyof typeof SIGNS | undefined;
}): ReactNode {
  const text = useWords(recordedWords);
  if (side === undefined) return <td data-kind="nothing" />;
  return (
    <td data-kind={kind}>
      <span className={styles.number}>{side.number}</span>
      <span className={styles.sign} aria-hidden="true">
        {kind && SIGNS[kind]}
      </span>
      {kind && <span className="only-read-aloud">{text(kind)} </span>}
      <code>{side.text}</code>
    </td>
  );
}
