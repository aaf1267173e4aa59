import { type QueryKey, type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { live } from './live/live.js';
import type { LiveMessage } from './live/protocol.js';

export type { LiveMessage } from './live/protocol.js';

/** How often a page reads again what no live topic tells it, in milliseconds. */
const POLL_MS = 5_000;

interface LiveQuery<Data> {
  /** Names the data in the cache; the same key means the same data. */
  key: QueryKey;
  /**
   * The topic whose state is the data: `task:42`, `tasks?state=3`; or whose changes `apply` puts into it: `grid:42@<cursor>`.
   * Without one, and while there is no live connection, the data is read every `pollMs`.
   */
  topic?: string | undefined;
  /** Reads all of it from the API. */
  read: () => Promise<Data>;
  /**
   * Puts a message of the topic into the data. Undefined: the data is to be read again. Default: the state of the message is the
   * data, as `read` would have read it.
   */
  apply?: (old: Data | undefined, message: LiveMessage) => Data | undefined;
  /** False: nothing is read, for example because nothing is chosen yet. */
  enabled?: boolean;
  pollMs?: number;
}

/** Reads something from the API and keeps it current while a component shows it. */
export function useLiveQuery<Data>({
  key,
  topic,
  read,
  apply,
  enabled = true,
  pollMs = POLL_MS,
}: LiveQuery<Data>): UseQueryResult<Data> {
  const queries = useQueryClient();
  // A topic that is refused, or too large to be sent, is read by the clock.
  const [told, setTold] = useState(true);
  const latest = useRef({ key, apply });
  latest.current = { key, apply };
  const query = useQuery({
    queryKey: key,
    queryFn: read,
    enabled,
    // A read that failed is repeated until one succeeds: a topic that has no news says nothing.
    refetchInterval: ({ state }) =>
      topic !== undefined && told && live.isLive && state.status !== 'error' ? false : pollMs,
  });
  useEffect(() => {
    if (topic === undefined || !enabled) return;
    setTold(true);
    return live.subscribe(topic, (message) => {
      const { key, apply } = latest.current;
      const { event } = message;
      const again = (): void => void queries.invalidateQueries({ queryKey: key, exact: true });
      if (event === 'unchanged') queries.setQueryData(key, (old: Data | undefined) => old);
      else if (event === 'away' || event === 'refused' || event === 'large') {
        setTold(event === 'away');
        again();
      } else if (event === 'state' && !apply) {
        setTold(true);
        queries.setQueryData(key, message.data as Data);
      } else {
        const applied = apply?.(queries.getQueryData<Data>(key), message);
        if (applied === undefined) again();
        else queries.setQueryData(key, applied);
      }
    });
  }, [queries, topic, enabled]);
  // The clock of the polling asks again whether there is something to do when the connection comes or goes.
  const { refetch } = query;
  useEffect(() => {
    if (topic === undefined || !enabled) return;
    let was = live.isLive;
    return live.watch(() => {
      if (live.isLive === was) return;
      was = live.isLive;
      if (!was) void refetch();
    });
  }, [topic, enabled, refetch]);
  return query;
}
