import type { ReactNode } from 'react';
import { useIntl, useWords } from '../text/intl.js';
import styles from './state.module.css';

/** The five states of tasks and node runs, by the number that the API gives them. */
export const STATES = ['initial', 'running', 'success', 'failed', 'stopped'] as const;
export type StateName = (typeof STATES)[number];

/** Each state has a shape of its own: colour alone would not tell it to everybody. */
const SHAPES: Record<StateName, ReactNode> = {
  initial: <rect x="1.5" y="1.5" width="7" height="7" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  running: <path d="M2 1l7 4-7 4z" fill="currentColor" />,
  success: <path d="M1 5.5l2.7 2.7L9 2" fill="none" stroke="currentColor" strokeWidth="2" />,
  failed: <path d="M1.5 1.5l7 7m0-7l-7 7" fill="none" stroke="currentColor" strokeWidth="2" />,
  stopped: <rect x="1" y="1" width="8" height="8" fill="currentColor" />,
};

export function StateShape({ state }: { state: StateName }): ReactNode {
  return (
    <svg viewBox="0 0 10 10" className={styles.shape} aria-hidden="true">
      {SHAPES[state]}
    </svg>
  );
}

/** A state in shape, colour and word. */
export function StateBadge({ state }: { state: StateName }): ReactNode {
  const text = useWords();
  return (
    <span className={styles.badge} data-state={state}>
      <StateShape state={state} />
      {text(`state.${state}`)}
    </span>
  );
}

/** Order of a bar: what is done first, what is still to come last. */
const IN_BAR: readonly StateName[] = ['success', 'failed', 'stopped', 'running', 'initial'];

/** How many nodes are in each state: as a bar, and for who listens to the page in words. */
export function StateBar({ counts }: { counts: readonly number[] }): ReactNode {
  const text = useWords();
  const { formatNumber } = useIntl();
  const count = (state: StateName): number => counts[STATES.indexOf(state)] ?? 0;
  const shown = IN_BAR.filter((state) => count(state) > 0);
  const label = shown.map((state) => `${formatNumber(count(state))} ${text(`state.${state}`)}`).join(', ');
  return (
    <span className={styles.bar} role="img" aria-label={label} title={label}>
      {shown.map((state) => (
        <span key={state} data-state={state} style={{ flexGrow: count(state) }} />
      ))}
    </span>
  );
}

/** The counts with their words, for beside or under a bar. */
export function StateLegend({ counts }: { counts: readonly number[] }): ReactNode {
  const text = useWords();
  const { formatNumber } = useIntl();
  return (
    <ul className={styles.legend}>
      {(['success', 'running', 'initial', 'failed', 'stopped'] as const).map((state) => (
        <li key={state} data-state={state}>
          <StateShape state={state} />
          <b>{formatNumber(counts[STATES.indexOf(state)] ?? 0)}</b> {text(`state.${state}`)}
        </li>
      ))}
    </ul>
  );
}
