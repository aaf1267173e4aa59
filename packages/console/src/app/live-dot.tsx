import { type ReactNode, useEffect, useState } from 'react';
import { useLiveStatus } from '../api/live/live.js';
import type { LiveState } from '../api/live/protocol.js';
import { useIntl, useWords } from '../text/intl.js';
import styles from './live-dot.module.css';
import { liveWords } from './live-words.js';

/** How often the age is written again: a number that runs is no news. */
const EVERY_MS = 1_000;

/** Each state has a shape of its own, as colour alone would not tell it to everybody. */
const SHAPES: Readonly<Record<Exclude<LiveState, 'off'>, ReactNode>> = {
  live: <circle cx="5" cy="5" r="4" fill="currentColor" />,
  catching_up: <path d="M5 1a4 4 0 0 1 0 8z" fill="currentColor" />,
  connecting: <circle cx="5" cy="5" r="3.2" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  reconnecting: <circle cx="5" cy="5" r="3.2" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  polling: <path d="M1.5 3.5h7M1.5 6.5h7" stroke="currentColor" strokeWidth="1.5" />,
};

/** Says how live what is shown is, and how long ago the gateway was heard of. */
export function LiveDot(): ReactNode {
  const text = useWords(liveWords);
  const { formatNumber } = useIntl();
  const { state, heardAt } = useLiveStatus();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  if (state === 'off') return null;
  const age = Math.max(0, Math.max(now, heardAt) - heardAt) / 1_000;
  const seconds = formatNumber(
    age,
    age < 10 ? { minimumFractionDigits: 1, maximumFractionDigits: 1 } : { maximumFractionDigits: 0 },
  );
  return (
    <span className={styles.dot} data-live={state} title={text(`what.${state}`)}>
      <svg viewBox="0 0 10 10" aria-hidden="true">
        {SHAPES[state]}
      </svg>
      <span className={styles.word}>{text(`state.${state}`)}</span>
      {(state === 'live' || state === 'reconnecting') && heardAt > 0 && (
        <span className={styles.age}>{text('seconds', { seconds })}</span>
      )}
    </span>
  );
}
