import type { ReactNode } from 'react';
import { useWords } from '../../text/intl.js';
import styles from './audit-page.module.css';
import type { Outcome } from './filter.js';
import { auditWords } from './words.js';

/** Each outcome has a shape of its own beside its word: colour alone would not tell it to everybody. */
const SHAPES: Record<Outcome, ReactNode> = {
  done: <path d="M1 5.5l2.7 2.7L9 2" fill="none" stroke="currentColor" strokeWidth="2" />,
  denied: (
    <path
      d="M5 1a4 4 0 100 8 4 4 0 000-8zM2.2 2.2l5.6 5.6"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
    />
  ),
  refused: <path d="M1 5h8" stroke="currentColor" strokeWidth="2.4" />,
  failed: <path d="M1.5 1.5l7 7m0-7l-7 7" fill="none" stroke="currentColor" strokeWidth="2" />,
};

export function OutcomeBadge({ outcome, times = 1 }: { outcome: Outcome; times?: number }): ReactNode {
  const text = useWords(auditWords);
  return (
    <span className={styles.outcome} data-outcome={outcome}>
      <svg viewBox="0 0 10 10" aria-hidden="true">
        {SHAPES[outcome]}
      </svg>
      {text(`outcome.${outcome}`)}
      {times > 1 && <small>{text('times', { count: times })}</small>}
    </span>
  );
}
