import { type TaskBatch, type TaskInfo, unwrap } from '@rigel/api-client';
import { type UseQueryResult, useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { pollOf } from './poll.js';

/** Batches of a further part: the first part is as long as the live topic sends it. */
const FURTHER = 1_000;

interface Part {
  rows: TaskBatch[];
  next: string | null;
}

/**
 * The batches of a task in their order. The first part comes by the live stream; the further ones are read when a person gets there,
 * and then by the clock: a task works on few batches at a time, and a topic for each part would be one for each place in the list.
 */
export function useBatches(task: TaskInfo): {
  query: UseQueryResult<Part>;
  batches: TaskBatch[];
  /** Reads the next part, if there is one. */
  readOn: () => void;
} {
  const { id } = task;
  const key = ['task', id, 'batches'];
  const query = useLiveQuery<Part>({
    key,
    topic: `batches:${id}`,
    read: () => unwrap(api.GET('/task/{id}/batches', { params: { path: { id } } })),
    pollMs: pollOf(task),
  });
  const [isFurther, setFurther] = useState(false);
  const after = query.data?.next ?? '';
  const further = useInfiniteQuery({
    queryKey: [...key, after],
    queryFn: ({ pageParam: cursor }): Promise<Part> =>
      unwrap(api.GET('/task/{id}/batches', { params: { path: { id }, query: { limit: FURTHER, cursor } } })),
    initialPageParam: after,
    getNextPageParam: ({ next }) => next ?? undefined,
    refetchInterval: pollOf(task),
    enabled: isFurther && after !== '',
  });
  return {
    query,
    batches: [...(query.data?.rows ?? []), ...(further.data?.pages.flatMap(({ rows }) => rows) ?? [])],
    readOn: () => {
      if (after === '') return;
      if (!isFurther) setFurther(true);
      else if (further.hasNextPage && !further.isFetching) void further.fetchNextPage();
    },
  };
}
