import { useEffect, useRef, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import { to } from '../../app/addresses.js';
import { type Draft, readDraft, writeDraft } from './draft.js';

/** The address follows what is typed after this time, in milliseconds: browsers allow only so many changes of it. */
const WRITE_MS = 300;

/** The query itself: the router decodes it once too often for values with a percent sign. */
const given = (): URLSearchParams => new URLSearchParams(location.search);

/** The form, begun from the address and followed by it. Another address of the page is another form. */
export function useDraft(): {
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
  /** Somebody entered something. */
  isTouched: boolean;
} {
  const [draft, setDraft] = useState(() => readDraft(given()));
  const [isTouched, setTouched] = useState(false);
  const [, navigate] = useLocation();
  const search = useSearch();
  /** The query as it was read or written last. */
  const known = useRef(given().toString());
  // biome-ignore lint/correctness/useExhaustiveDependencies: the router says that the address is another one.
  useEffect(() => {
    const now = given().toString();
    if (now === known.current) return;
    known.current = now;
    setDraft(readDraft(given()));
    setTouched(false);
  }, [search]);
  useEffect(() => {
    if (!isTouched) return;
    const timer = setTimeout(() => {
      const query = writeDraft(draft).toString();
      if (query === known.current) return;
      known.current = query;
      navigate(query === '' ? to.newTask() : `${to.newTask()}?${query}`, { replace: true });
    }, WRITE_MS);
    return () => clearTimeout(timer);
  }, [draft, isTouched, navigate]);
  const change = (changes: Partial<Draft>): void => {
    setTouched(true);
    setDraft((before) => ({ ...before, ...changes }));
  };
  return { draft, change, isTouched };
}
