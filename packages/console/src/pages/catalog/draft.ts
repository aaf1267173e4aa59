import { useState } from 'react';

/** A thing of the catalog with the version that it has in the API. */
export interface Versioned {
  version?: number | string | undefined;
  updated_by?: string | undefined;
  updated_at?: string | undefined;
  /** The set of files that it is written in. */
  managed_by?: string | undefined;
}

/** What a person edits: the values, and the state of the thing that they were made from. */
export interface Draft<Thing extends Versioned, Values> {
  /** The edited values; those of the thing as long as nothing was edited. */
  values: Values;
  /** The thing that the values were made from. */
  base: Thing;
  isChanged: boolean;
  /** The thing as another person saved it meanwhile; undefined: it is as it was. */
  newer: Thing | undefined;
  change: (values: Values) => void;
  /** Drops the edited values. */
  discard: () => void;
  /** The edited values stay, and count as made from the newer state. */
  rebase: () => void;
  /** Why the API refused exactly these values; undefined: it did not, or they were changed since. */
  refused: Error | undefined;
  refuse: (error: Error) => void;
}

/**
 * The editing of a thing that is read again and again meanwhile: what another person saves is noticed, and never taken over silently.
 * @param valuesOf what of the thing can be edited.
 */
export function useDraft<Thing extends Versioned, Values>(
  current: Thing,
  valuesOf: (thing: Thing) => Values,
): Draft<Thing, Values> {
  const [edited, setEdited] = useState<{ values: Values; base: Thing; refused?: Error }>();
  const base = edited?.base ?? current;
  const values = edited?.values ?? valuesOf(current);
  return {
    values,
    base,
    isChanged: edited !== undefined && JSON.stringify(values) !== JSON.stringify(valuesOf(base)),
    newer: edited !== undefined && base.version !== current.version ? current : undefined,
    change: (next) => setEdited({ values: next, base }),
    discard: () => setEdited(undefined),
    rebase: () => setEdited({ values, base: current }),
    refused: edited?.refused,
    refuse: (refused) => setEdited({ values, base, refused }),
  };
}
