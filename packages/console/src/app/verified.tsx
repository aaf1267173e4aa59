import { type ReactNode, useEffect, useState } from 'react';
import { Link } from 'wouter';
import { useIntl, useWords } from '../text/intl.js';
import { StateShape } from '../ui/state.js';
import { to } from './addresses.js';
import { ageText, useVerificationTold } from './verification-told.js';
import styles from './verified.module.css';
import { verifiedWords } from './verified-words.js';

const EVERY_MS = 1_000;

/** Whether the tables say what the events say, as far as it was verified last, and how long ago. */
export function Verified(): ReactNode {
  const text = useWords(verifiedWords);
  const { formatNumber } = useIntl();
  const known = useVerificationTold();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  if (known === undefined) return null;
  const { verified_at, events, differences } = known;
  const isRunning = known.services.some(({ running }) => running !== null);
  const state = differences > 0 ? 'failed' : verified_at === null ? 'initial' : 'success';
  return (
    <Link href={to.system()} className={styles.verified ?? ''} data-state={state}>
      <StateShape state={state} />
      <span>
        {differences > 0
          ? text('differs', { count: differences })
          : verified_at === null
            ? text(isRunning ? 'verifies' : 'never')
            : text('verified', {
                events: formatNumber(events),
                age: ageText(now - Date.parse(verified_at)),
              })}
      </span>
    </Link>
  );
}
