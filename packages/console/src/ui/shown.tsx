import type { UseQueryResult } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { useLiveStatus } from '../api/live/live.js';
import { useWords } from '../text/intl.js';
import { reasonOf } from './refusal.js';
import styles from './region.module.css';
import { TimeText } from './time-text.js';

/** What was read from the API and is on the screen, with the way to read it again. */
export type ShownQuery = Pick<UseQueryResult, 'data' | 'error' | 'dataUpdatedAt'> & {
  refetch: () => unknown;
};

const ShownContext = createContext<readonly ShownQuery[]>([]);

/** Names what the children show, so that a dialog among them can say how old that is. `Region` does it itself. */
export function Shown({ query, children }: { query: ShownQuery; children: ReactNode }): ReactNode {
  const around = useContext(ShownContext);
  const shown = useMemo(() => [...around, query], [around, query]);
  return <ShownContext value={shown}>{children}</ShownContext>;
}

/** Without a live stream everything is read every few seconds; what is older than this, in milliseconds, was not. */
const LATE_MS = 12_000;

/** What is shown around a component and is older than it should be: that which was read first; undefined: all of it is current. */
export function useStale(): ShownQuery | undefined {
  const shown = useContext(ShownContext);
  const { state } = useLiveStatus();
  const isCut = state === 'reconnecting' || state === 'polling' || state === 'connecting';
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!isCut) return;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [isCut]);
  return shown
    .filter(
      ({ data, error, dataUpdatedAt }) =>
        data !== undefined && (error || (isCut && Math.max(now, dataUpdatedAt) - dataUpdatedAt > LATE_MS)),
    )
    .sort((a, b) => a.dataUpdatedAt - b.dataUpdatedAt)[0];
}

/** How long an action waits for what is read before it, in milliseconds: a stop must be possible when reading is not. */
const READ_MS = 4_000;

/**
 * Reads again what is shown around a component, if it is older than it should be; for a dialog to do before it acts.
 * @returns whether it turned out to be another than what the person saw. False also when it could not be read: the action stays
 * possible, and the server decides.
 */
export function useReadAgain(): () => Promise<boolean> {
  const shown = useContext(ShownContext);
  const stale = useStale();
  const now = useRef({ shown, stale });
  now.current = { shown, stale };
  return async () => {
    if (now.current.stale === undefined) return false;
    const read = Promise.all(
      now.current.shown.map(async ({ data, refetch }) => {
        const answer = (await refetch()) as Pick<ShownQuery, 'data' | 'error'> | undefined;
        // What is the same after it was read again is the same object.
        return answer !== undefined && !answer.error && answer.data !== data;
      }),
    );
    const late = new Promise<boolean[]>((resolve) => setTimeout(resolve, READ_MS, []));
    return (await Promise.race([read, late])).includes(true);
  };
}

/** In a dialog: how old that is what it speaks of, while it is older than it should be. */
export function StaleNote(): ReactNode {
  const text = useWords();
  const stale = useStale();
  if (stale === undefined) return null;
  const { error, dataUpdatedAt } = stale;
  const reason = error ? reasonOf(error) : text('stale.cut');
  const [before = '', after = ''] = text('stale.dialog', { time: '\u0000', reason }).split('\u0000');
  return (
    <p className={styles.stale} role="status">
      {before}
      <TimeText at={new Date(dataUpdatedAt)} />
      {after}
    </p>
  );
}
