import { useCallback } from 'react';
import { useSearchParams } from 'wouter';

/**
 * A value in the query of the address, which says what a page shows. Setting the default value takes it out of the address.
 * @param remember `step`: Back leads to the value before; `stay` (default): the address changes in its place.
 */
export function useQueryParam(
  name: string,
  initial = '',
  remember: 'step' | 'stay' = 'stay',
): [value: string, set: (value: string) => void] {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (value: string) =>
      setParams(
        (before) => {
          const after = new URLSearchParams(before);
          if (value === initial) after.delete(name);
          else after.set(name, value);
          return after;
        },
        { replace: remember === 'stay' },
      ),
    [setParams, name, initial, remember],
  );
  return [params.get(name) ?? initial, set];
}
