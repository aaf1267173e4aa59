import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { Button } from 'react-aria-components';
import { useWords } from '../text/intl.js';
import controls from './controls.module.css';
import { Refusal, reasonOf } from './refusal.js';
import styles from './region.module.css';
import { Shown } from './shown.js';
import { TimeText } from './time-text.js';

export { reasonOf } from './refusal.js';

interface RegionProps<Data> {
  /** What is read here, as it stands in a sentence: "the tasks". */
  what: string;
  query: Pick<UseQueryResult<Data>, 'data' | 'error' | 'dataUpdatedAt'> & { refetch: () => unknown };
  /** Shown instead of the data when there is none, with the next step. */
  empty?: ReactNode;
  isEmpty?: (data: Data) => boolean;
  children: (data: Data) => ReactNode;
}

/**
 * A part of a page that shows what was read from the API, in each of its states: loading, empty, failed, stale, there. What has been
 * shown once stays while it is read again, and says how old it is when that fails.
 */
export function Region<Data>({ what, query, empty, isEmpty, children }: RegionProps<Data>): ReactNode {
  if (query.data === undefined) {
    if (query.error) return <Failure what={what} error={query.error} retry={() => void query.refetch()} />;
    return <Loading what={what} />;
  }
  const { data, error, dataUpdatedAt } = query;
  return (
    <div data-stale={error ? true : undefined} className={styles.region}>
      <Shown query={query}>{isEmpty?.(data) ? empty : children(data)}</Shown>
      {error && <Stale since={new Date(dataUpdatedAt)} error={error} />}
    </div>
  );
}

/** What is quick is not announced: a skeleton that flashes by only disturbs. */
const ANNOUNCED_AFTER_MS = 200;

function Loading({ what }: { what: string }): ReactNode {
  const text = useWords();
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), ANNOUNCED_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!shown) return <div className={styles.skeleton} data-loading />;
  return (
    <div className={styles.skeleton} data-loading role="status">
      <span className="only-read-aloud">{text('region.loading', { what })}</span>
      {[72, 54, 63].map((width) => (
        <i key={width} style={{ inlineSize: `${width}%` }} />
      ))}
    </div>
  );
}

function Failure({ what, error, retry }: { what: string; error: Error; retry: () => void }): ReactNode {
  const text = useWords();
  return (
    <div className={styles.failure} role="alert">
      <h3>{text('region.failed', { what })}</h3>
      <Refusal error={error} />
      <Button className={controls.button} onPress={retry}>
        {text('region.retry')}
      </Button>
    </div>
  );
}

/** Lies over the lower end of what is in sight of the region: nothing moves when the connection goes and comes. */
function Stale({ since, error }: { since: Date; error: Error }): ReactNode {
  const text = useWords();
  const [before = '', after = ''] = text('region.stale', { time: '\u0000', reason: reasonOf(error) }).split(
    '\u0000',
  );
  return (
    <div className={styles.over}>
      <p className={styles.stale} role="status">
        {before}
        <TimeText at={since} withDate={false} />
        {after}
      </p>
    </div>
  );
}
