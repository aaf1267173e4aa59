import { type UseQueryResult, useQuery } from '@tanstack/react-query';

/** How often a page reads again what no live topic tells it, in milliseconds. */
const POLL_MS = 5_000;

interface LiveQuery<Data> {
  /** Names the data in the cache; the same key means the same data. */
  key: readonly unknown[];
  /** Reads all of it from the API. */
  read: () => Promise<Data>;
  /** False: nothing is read, for example because nothing is chosen yet. */
  enabled?: boolean;
  pollMs?: number;
}

/** Reads something from the API and keeps it current while a component shows it. */
export function useLiveQuery<Data>({
  key,
  read,
  enabled = true,
  pollMs = POLL_MS,
}: LiveQuery<Data>): UseQueryResult<Data> {
  return useQuery({ queryKey: key, queryFn: read, enabled, refetchInterval: pollMs });
}
