import { useEffect, useRef, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import { to } from '../../app/addresses.js';
import { type Draft, MOST_IN_ADDRESS, readDraft, writeDraft } from './draft.js';

/** The address follows what is typed after this time, in milliseconds: browsers allow only so many changes of it. */
const WRITE_MS = 300;

/** The query itself: the router decodes it once too often for values with a percent sign. */
const given = (): URLSearchParams => new URLSearchParams(location.search);

/**
 * The form that the address shows. A list that is too long for an address comes with the step of the browser's history: it
 * outlives a reload, and does not go with a link.
 */
function givenDraft(): Draft {
  const draft = readDraft(given());
  const kept = (history.state as { nodes?: unknown } | null)?.nodes;
  return draft.by === 'list' && draft.nodes === '' && typeof kept === 'string'
    ? { ...draft, nodes: kept }
    : draft;
}

/** The form, begun from the address and followed by it. Another address of the page is another form. */
export function useDraft(): {
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
  /** Somebody entered something. */
  isTouched: boolean;
} {
  const [draft, setDraft] = useState(givenDraft);
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
    setDraft(givenDraft());
    setTouched(false);
  }, [search]);
  useEffect(() => {
    if (!isTouched) return;
    const timer = setTimeout(() => {
      const query = writeDraft(draft).toString();
      const nodes = draft.by === 'list' && draft.nodes.length > MOST_IN_ADDRESS ? draft.nodes : undefined;
      if (query === known.current && nodes === undefined) return;
      known.current = query;
      const state = nodes === undefined ? null : { nodes };
      navigate(query === '' ? to.newTask() : `${to.newTask()}?${query}`, { replace: true, state });
    }, WRITE_MS);
    return () => clearTimeout(timer);
  }, [draft, isTouched, navigate]);
  const change = (changes: Partial<Draft>): void => {
    setTouched(true);
    setDraft((before) => ({ ...before, ...changes }));
  };
  return { draft, change, isTouched };
}
