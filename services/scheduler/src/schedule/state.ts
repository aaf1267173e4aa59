import { LONGEST_PAUSE_MS } from './calendar.js';
import type {
  MomentLeftOut,
  OccurrenceKey,
  OccurrenceOpened,
  ScheduleEvent,
  ScheduleSaved,
} from './events.js';

/** A scheduled task as its events say. The read table has its past occurrences. */
export interface ScheduleState {
  readonly id: number;
  saved: ScheduleSaved;
  /** Number given to the last item. */
  lastItem: number;
  /** The scheduler has noticed all occurrences up to here. */
  settledUntil: number;
  /** Fires as soon as nothing stands in the way; the newest one only. */
  waiting: OccurrenceOpened | null;
  /** Tasks may have been made for it. */
  firing: OccurrenceOpened | null;
  /** Made by the last occurrence that made any. */
  lastTasks: number[];
  /** Moments that operators left out: those to come, and past ones as long as their items could still be in force. */
  leftOut?: MomentLeftOut[];
  /** Last version of the stream that this state contains. */
  version: number;
}

export const isSame = (a: OccurrenceKey, b: OccurrenceKey): boolean => a.cause === b.cause && a.due === b.due;

/** The due times of moments that were left out. */
export const leftOutOf = ({ leftOut = [] }: Pick<ScheduleState, 'leftOut'>): ReadonlySet<number> =>
  new Set(leftOut.map(({ due }) => due));

/**
 * The state after a recorded fact; the given one stays as it is.
 * @param state undefined before the first saving.
 */
export function evolveSchedule(
  state: ScheduleState | undefined,
  event: ScheduleEvent,
  id: number,
): ScheduleState {
  if (event.type === 'ScheduleSaved') {
    const { cronItems, dependItems, at } = event.data;
    const items = [...cronItems, ...dependItems].map((item) => item.id);
    return {
      id,
      waiting: null,
      firing: null,
      lastTasks: [],
      ...state,
      saved: event.data,
      lastItem: Math.max(state?.lastItem ?? 0, ...items),
      settledUntil: at,
      version: (state?.version ?? 0) + 1,
    };
  }
  if (!state) throw new Error(`the history of scheduled task ${id} begins with ${event.type}`);
  const next = { ...state, version: state.version + 1 };
  switch (event.type) {
    case 'OccurrenceOpened':
      if (event.data.cause === 'due') next.settledUntil = Math.max(state.settledUntil, event.data.due);
      next.waiting = event.data;
      return next;
    case 'OccurrenceSkipped':
      next.settledUntil = Math.max(state.settledUntil, event.data.due);
      return next;
    case 'MomentLeftOut':
      next.leftOut = [...(state.leftOut ?? []), event.data].filter(
        ({ due }) => due > state.settledUntil - LONGEST_PAUSE_MS,
      );
      return next;
    case 'MomentTakenBack':
      next.leftOut = (state.leftOut ?? []).filter(({ due }) => due !== event.data.due);
      return next;
    case 'OccurrenceFiring':
      next.firing = state.waiting;
      next.waiting = null;
      return next;
    case 'OccurrenceResolved':
      if (state.waiting && isSame(state.waiting, event.data)) next.waiting = null;
      if (state.firing && isSame(state.firing, event.data)) next.firing = null;
      if (event.data.tasks.length > 0) next.lastTasks = event.data.tasks;
      return next;
    default:
      return event satisfies never;
  }
}
