import { unwrap } from '@rigel/api-client';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api } from '../../../api/api.js';
import type { TaskEventRow } from './event-text.js';

/** Which events are shown. */
export interface EventFilter {
  /** Names of events with commas between them; undefined: all. */
  event?: string;
  /** Only those of this node run. */
  nsid?: number;
  /** Only those up to this version, which are not followed. */
  until?: number;
}

interface Loaded {
  rows: readonly TaskEventRow[];
  /** There are earlier ones. */
  hasEarlier: boolean;
  /** The last version that was looked at for new ones, and when, in milliseconds since 1970. */
  to: number;
  readAt: number;
}

const PAGE = 200;
/** New events that one look reads at most; more follow with the next one. */
const NEW = 1_000;
/** As many rows are kept; the earliest ones are read again when they are wanted. */
const MOST = 20_000;

async function read(
  id: number,
  { event, nsid }: EventFilter,
  part: { after?: number; before?: number; limit: number },
) {
  const { rows, version, next } = await unwrap(
    api.GET('/task/{id}/history', {
      params: {
        path: { id },
        query: { ...part, ...(event === undefined ? {} : { event }), ...(nsid ? { nsid } : {}) },
      },
    }),
  );
  return { rows: rows as readonly TaskEventRow[], version, next };
}

/**
 * Events of a task from the end: the last ones first, earlier ones on demand, new ones as they happen.
 * @param filter undefined: what is wanted is not known yet, and nothing is read.
 * @param version the last version that the page knows of: a larger one means that there are new events.
 */
export function useEvents(id: number, filter: EventFilter | undefined, version: number) {
  const { event, nsid, until } = filter ?? {};
  const [loaded, setLoaded] = useState<Loaded>();
  const [error, setError] = useState<Error>();
  const [tries, setTries] = useState(0);
  const busy = useRef(false);
  // Another filter is another list.
  const list = `${filter !== undefined} ${id} ${event} ${nsid} ${until} ${tries}`;
  const current = useRef(list);
  const wanted = useRef(filter);
  wanted.current = filter;

  const load = useCallback(
    async (work: (filter: EventFilter) => Promise<(before: Loaded | undefined) => Loaded>): Promise<void> => {
      const now = wanted.current;
      if (busy.current || now === undefined) return;
      busy.current = true;
      const of = current.current;
      try {
        const change = await work(now);
        if (of !== current.current) return;
        setLoaded(change);
        setError(undefined);
      } catch (failure) {
        if (of === current.current) setError(failure as Error);
      } finally {
        busy.current = false;
      }
    },
    [],
  );

  useEffect(() => {
    current.current = list;
    busy.current = false;
    setLoaded(undefined);
    void load(async (filter) => {
      const end = filter.until === undefined ? Number.MAX_SAFE_INTEGER : filter.until + 1;
      const part = { before: Math.min(end, LAST), limit: PAGE };
      const { rows, version, next } = await read(id, filter, part);
      return () => ({
        rows: [...rows].reverse(),
        hasEarlier: next !== null,
        to: version,
        readAt: Date.now(),
      });
    });
  }, [list, id, load]);

  const known = loaded?.to;
  useEffect(() => {
    if (known === undefined || until !== undefined || version <= known) return;
    void load(async (filter) => {
      const { rows, version, next } = await read(id, filter, { after: known, limit: NEW });
      const to = next === null ? version : Number(rows.at(-1)?.version ?? version);
      return (before) => {
        const all = [...(before?.rows ?? []), ...rows];
        const isTooLong = all.length > MOST;
        return {
          rows: isTooLong ? all.slice(-MOST) : all,
          hasEarlier: isTooLong || before?.hasEarlier === true,
          to,
          readAt: Date.now(),
        };
      };
    });
  }, [known, version, until, id, load]);

  const loadEarlier = useCallback(() => {
    const first = loaded?.rows[0]?.version;
    if (!loaded?.hasEarlier || first === undefined) return;
    void load(async (filter) => {
      const { rows, next } = await read(id, filter, { before: first, limit: PAGE });
      return (before) => ({
        to: before?.to ?? 0,
        readAt: before?.readAt ?? Date.now(),
        rows: [...[...rows].reverse(), ...(before?.rows ?? [])],
        hasEarlier: next !== null,
      });
    });
  }, [loaded, id, load]);

  return { loaded, error, loadEarlier, again: () => setTries((count) => count + 1) };
}

/** The largest version that there can be. */
const LAST = 2_147_483_647;
