import { unwrap } from '@rigel/api-client';
import { useEffect, useRef, useState } from 'react';
import { api } from '../../../api/api.js';
import { useLiveQuery } from '../../../api/live-query.js';
import { type GridAnswer, GridModel } from './grid-model.js';

/** A task's grid outside React, and who draws it. */
export interface GridStore {
  model: GridModel | undefined;
  /** Puts an answer of the API, or a message that looks like one, into the model, and tells who draws it. */
  take(answer: GridAnswer, seconds: number): void;
  /** @param listener gets the runs that look different; undefined: all do. @returns a function that ends it. */
  subscribe(listener: (different: readonly number[] | undefined) => void): () => void;
}

function createStore(): GridStore {
  const listeners = new Set<(different: readonly number[] | undefined) => void>();
  const store: GridStore = {
    model: undefined,
    take: (answer, seconds) => {
      let different: readonly number[] | undefined;
      if (answer.whole) store.model = new GridModel(answer);
      else different = store.model?.apply(answer, seconds);
      if (different?.length === 0) return;
      for (const listener of listeners) listener(different);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return store;
}

/**
 * Reads the grid of a task once, and then what changes. The arrays are outside React: a page is not made again for each change.
 * @param createdAt when the task was created, in milliseconds since 1970.
 */
export function useGrid(id: number, createdAt: number, isActive: boolean) {
  const kept = useRef<{ id: number; store: GridStore }>(undefined);
  if (kept.current?.id !== id) kept.current = { id, store: createStore() };
  const { store } = kept.current;
  // A whole grid is another model: who shows it is made again.
  const [, setModels] = useState(0);
  useEffect(
    () =>
      store.subscribe((different) => {
        if (different === undefined) setModels((models) => models + 1);
      }),
    [store],
  );
  // The changes begin where the first answer ends; later the stream itself knows its place.
  const [begun, setBegun] = useState<{ id: number; cursor: string }>();
  const query = useLiveQuery({
    key: ['task', id, 'grid'],
    topic: begun?.id === id ? `grid:${id}@${begun.cursor}` : undefined,
    apply: (old, message) => {
      // Too much has changed for a message, or its place is lost: what is new is read.
      if (message.event !== 'grid' || message.whole === true) return undefined;
      store.take(message as unknown as GridAnswer, (Date.now() - createdAt) / 1_000);
      return old;
    },
    read: async () => {
      const after = store.model?.cursor;
      const answer: GridAnswer = await unwrap(
        api.GET('/task/{id}/grid', {
          params: { path: { id }, query: after === undefined ? {} : { after } },
        }),
      );
      store.take(answer, (Date.now() - createdAt) / 1_000);
      setBegun((before) => (before?.id === id ? before : { id, cursor: answer.cursor }));
      // What is in the cache says how many there are; the arrays say the rest.
      return { size: store.model?.size ?? 0 };
    },
    pollMs: isActive ? 1_000 : 10_000,
  });
  return { store, query };
}
