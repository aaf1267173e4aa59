import { type CalendarEntry, type ScheduleStanding, unwrap } from '@rigel/api-client';
import { type UseQueryResult, useQueryClient } from '@tanstack/react-query';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { rangeOfWeek } from './zones.js';

/** Rows of one read. */
export const MOST_ROWS = 1_000;

/** All scheduled tasks, or those of a pool. */
export function useSchedules(poolId?: number): UseQueryResult<ScheduleStanding[]> {
  return useLiveQuery({
    key: ['schedules', 'list', poolId],
    read: async () => {
      const all: ScheduleStanding[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const query: { limit: number; cursor: string; pool_id?: number } = {
          limit: MOST_ROWS,
          cursor,
          ...(poolId === undefined ? {} : { pool_id: poolId }),
        };
        const { rows, next }: { rows: ScheduleStanding[]; next: string | null } = await unwrap(
          api.GET('/schedule/list', { params: { query } }),
        );
        all.push(...rows);
        cursor = next;
      }
      return all;
    },
  });
}

interface Week {
  rows: CalendarEntry[];
  /** There are more than could be read at once. */
  isCut: boolean;
}

/** The moments of a week, in any zone. */
export function useWeek(monday: string, poolId: number | undefined, type: string): UseQueryResult<Week> {
  const query = {
    ...rangeOfWeek(monday),
    limit: MOST_ROWS,
    ...(poolId === undefined ? {} : { pool_id: poolId }),
    ...(type === '' ? {} : { type: type as CalendarEntry['type'] }),
  };
  const weekOf = ({ rows, next }: { rows: CalendarEntry[]; next: string | null }): Week => ({
    rows,
    isCut: next !== null,
  });
  const filters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return useLiveQuery({
    key: ['schedules', 'week', monday, poolId, type],
    topic: `calendar?${filters}`,
    read: async () => weekOf(await unwrap(api.GET('/schedule/calendar', { params: { query } }))),
    apply: (_, { event, data }) =>
      event === 'state' ? weekOf(data as Parameters<typeof weekOf>[0]) : undefined,
  });
}

/** One part of the ledger of a scheduled task. */
export function readLedger(id: number, range: { from: string; to?: string }, cursor = '') {
  const query = { ...range, limit: MOST_ROWS, cursor };
  return unwrap(api.GET('/schedule/{id}/ledger', { params: { path: { id }, query } }));
}

export function useLedger(id: number, days: number) {
  return useLiveQuery({
    key: ['schedules', 'ledger', id, days],
    read: () => readLedger(id, { from: new Date(Date.now() - days * 86_400_000).toISOString() }),
  });
}

/** Leaves a moment out, or takes that back; what shows schedules is read again. */
export function useLeaveOut(): (id: number, due_at: string, undo: boolean) => Promise<void> {
  const queries = useQueryClient();
  return async (id, due_at, undo) => {
    await unwrap(
      api.POST('/schedule/{id}/ignore_next', { params: { path: { id } }, body: { due_at, undo } }),
    );
    await queries.invalidateQueries({ queryKey: ['schedules'] });
  };
}
