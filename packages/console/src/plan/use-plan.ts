import type { Preview } from '@rigel/api-client';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useState } from 'react';
import { type PlanChange, planChanges } from './plan-changes.js';

/** A plan is made when the values have stayed the same for so long, in milliseconds. */
const SETTLED_MS = 300;
/** And again so often while it is on the screen: what it depends on may change meanwhile. */
const AGAIN_MS = 10_000;

/** The plan of the values on the screen. */
export interface PlanState {
  /** The plan that is shown; that of earlier values while the one of the present values is made. */
  preview: Preview | undefined;
  /** The plan that is shown is that of exactly these values. */
  isCurrent: boolean;
  /** Why there is no plan of these values. */
  error: Error | undefined;
  /** What has changed by itself since the plan of these values was looked at; empty: nothing. */
  changes: readonly PlanChange[];
  /** The person has looked at what has changed. */
  accept: () => void;
  /** Makes the plan again now. */
  again: () => Promise<unknown>;
}

interface Shown {
  /** The values, as JSON. */
  of: string;
  preview: Preview;
  /** The plan of the same values that the person looked at before it changed. */
  before?: Preview;
}

/**
 * Makes the plan of an operation when its values change, and again while they stay the same.
 * @param body the request; undefined while it is not complete
 * @param post asks for its preview
 */
export function usePlan<Body>(body: Body | undefined, post: (body: Body) => Promise<Preview>): PlanState {
  const id = useId();
  const wanted = body === undefined ? undefined : JSON.stringify(body);
  const [settled, setSettled] = useState(wanted);
  const [shown, setShown] = useState<Shown>();
  useEffect(() => {
    if (wanted === settled) return;
    const timer = setTimeout(() => setSettled(wanted), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [wanted, settled]);
  const { data, error, refetch } = useQuery({
    queryKey: ['plan', id, settled],
    queryFn: () => post(JSON.parse(settled as string) as Body),
    enabled: settled !== undefined,
    refetchInterval: AGAIN_MS,
    retry: false,
    gcTime: 0,
  });
  useEffect(() => {
    if (data === undefined || settled === undefined) return;
    setShown((old) => {
      if (old?.of !== settled) return { of: settled, preview: data };
      const before = old.before ?? (old.preview.plan === data.plan ? undefined : old.preview);
      // What has changed back is the plan that was looked at.
      return before && before.plan !== data.plan
        ? { of: settled, preview: data, before }
        : { of: settled, preview: data };
    });
  }, [data, settled]);
  const isOfThese = shown !== undefined && shown.of === wanted;
  return {
    preview: shown?.preview,
    isCurrent: isOfThese && !error,
    error: settled === wanted && error ? error : undefined,
    changes: isOfThese && shown.before ? planChanges(shown.before, shown.preview) : [],
    accept: () => setShown((old) => old && { of: old.of, preview: old.preview }),
    again: refetch,
  };
}
