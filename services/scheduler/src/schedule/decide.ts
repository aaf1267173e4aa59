import { type CronItem, type CronItemInput, type DependItemInput, ServiceError } from '@rigel/contracts';
import { dueTimesBetween, itemInForce, nextDueTime } from './calendar.js';
import type { DueItem, OccurrenceKey, OccurrenceResolved, ScheduleEvent, ScheduleSaved } from './events.js';
import { evolveSchedule, leftOutOf, type ScheduleState } from './state.js';

/*
 * What happens to a scheduled task, as facts. Pure functions: times and the time zone come in.
 */

/** An occurrence that the scheduler notices later than this is missed, or caught up. */
export const LATE_MS = 60_000;
/** Occurrences noticed in one go at most; after a long time without a scheduler there may be many. */
const MAX_OCCURRENCES = 500;

/** Items to be saved, checked. */
export type Definition = Pick<ScheduleSaved, 'pool' | 'type' | 'execType' | 'timeZone'> & {
  cronItems: CronItemInput[];
  dependItems: DependItemInput[];
};

/** The time, and the time zone of schedules that name none. */
export interface Time {
  now: number;
  zone: string;
}

/** Facts that follow from each other, and the state that contains them. */
class Facts {
  readonly events: ScheduleEvent[] = [];

  constructor(
    private readonly id: number,
    public state: ScheduleState | undefined,
  ) {}

  add(event: ScheduleEvent): void {
    this.events.push(event);
    this.state = evolveSchedule(this.state, event, this.id);
  }

  /** An occurrence to act on; it takes the place of the one that waited so far. */
  open(occurrence: DueItem, late: boolean): void {
    const waiting = this.state?.waiting;
    if (waiting) this.add(resolved(waiting, { outcome: 'skipped', reason: OVERLAP, tasks: [] }));
    this.add({ type: 'OccurrenceOpened', data: { ...occurrence, late } });
  }
}

export const OVERLAP = 'overlap: a newer one takes its place';
const IGNORED = 'ignored: its item says so';
/** An outcome with such a reason counts as ignored, not as skipped. */
export const IGNORED_PREFIX = 'ignored:';
const leftOutBy = (by: string): string => `${IGNORED_PREFIX} ${by} left this moment out`;
const MISSED = 'missed: the scheduler noticed it too late, and does not catch up a deploy';

function resolved(
  { cause, due }: OccurrenceKey,
  end: Pick<OccurrenceResolved, 'outcome' | 'reason' | 'tasks'>,
): ScheduleEvent {
  return { type: 'OccurrenceResolved', data: { cause, due, ...end } };
}

/** The time zone in which the items of a scheduled task are read. */
export const zoneOf = ({ saved }: ScheduleState, zone: string): string => saved.timeZone || zone;

/** The items by which a scheduled task fires. */
export function firingItems({ saved }: ScheduleState): readonly CronItem[] {
  return saved.execType === 'crontab' ? saved.cronItems : [];
}

/** Saves new items. Occurrences up to this time, and at it, count by the old ones. */
export function save(
  id: number,
  state: ScheduleState | undefined,
  definition: Definition,
  time: Time,
): ScheduleEvent[] {
  // Never twice at the same time, not even by a clock that stands still.
  const at = Math.max(time.now, (state?.settledUntil ?? 0) + 1);
  const facts = new Facts(id, state);
  if (state) for (const event of passTime(state, { ...time, now: at }, Infinity)) facts.add(event);
  const waiting = facts.state?.waiting;
  if (waiting && definition.execType === 'depend') {
    const reason = 'replaced: the task was saved again and has no due times of its own any more';
    facts.add(resolved(waiting, { outcome: 'skipped', reason, tasks: [] }));
  }
  let lastItem = facts.state?.lastItem ?? 0;
  facts.add({
    type: 'ScheduleSaved',
    data: {
      ...definition,
      cronItems: definition.cronItems.map((item) => ({ id: ++lastItem, ...item })),
      dependItems: definition.dependItems.map((item) => ({ id: ++lastItem, ...item })),
      at,
      ...(state?.saved.timeZone === '' ? { zone: time.zone } : {}),
    },
  });
  const inForce = facts.state && targetInForce(facts.state, { ...time, now: at });
  if (inForce) facts.open({ cause: 'saved', due: at, item: inForce }, true);
  return facts.events;
}

/** The item that sets the number of nodes now; only for scheduled tasks that set one by the clock. */
export function targetInForce(state: ScheduleState, { now, zone }: Time): CronItem | undefined {
  if (state.saved.type !== 'expand') return undefined;
  return itemInForce(firingItems(state), zoneOf(state, zone), now, leftOutOf(state));
}

/** Takes note of all occurrences up to now. */
export function passTime(
  state: ScheduleState,
  { now, zone }: Time,
  limit: number = MAX_OCCURRENCES,
): ScheduleEvent[] {
  const facts = new Facts(state.id, state);
  const times = dueTimesBetween(firingItems(state), zoneOf(state, zone), state.settledUntil, now, limit);
  for (const { due, item } of times) {
    const occurrence = {
      cause: 'due' as const,
      due,
      item,
      ...(state.saved.timeZone === '' ? { zone } : {}),
    };
    const late = now - due > LATE_MS;
    const missed = late && state.saved.type === 'upload';
    const leftOut = state.leftOut?.find((moment) => moment.due === due);
    if (item.ignore || leftOut || missed) {
      const ignored = leftOut && !item.ignore ? leftOutBy(leftOut.by) : IGNORED;
      const reason = item.ignore || leftOut ? ignored : MISSED;
      facts.add({ type: 'OccurrenceSkipped', data: { ...occurrence, reason } });
    } else facts.open(occurrence, late);
  }
  return facts.events;
}

/** A scheduler has taken the task over: the item in force is applied, unless one is about to be. */
export function takeOver(state: ScheduleState, time: Time): ScheduleEvent[] {
  if (state.waiting || state.firing) return [];
  const item = targetInForce(state, time);
  if (!item) return [];
  return [{ type: 'OccurrenceOpened', data: { cause: 'restarted', due: time.now, item, late: true } }];
}

/** Tasks are about to be made for the one that waits. */
export function beginFiring({ waiting, firing }: ScheduleState): ScheduleEvent[] {
  if (!waiting || firing) return [];
  return [{ type: 'OccurrenceFiring', data: { cause: waiting.cause, due: waiting.due } }];
}

/** The tasks of the one that fires have been made, or none is needed. */
export function finishFiring({ firing }: ScheduleState, tasks: number[]): ScheduleEvent[] {
  if (!firing) return [];
  const made = firing.late ? 'caught_up' : 'fired';
  const outcome = tasks.length === 0 ? 'nothing_to_do' : made;
  return [resolved(firing, { outcome, reason: '', tasks })];
}

/** The one that fires, or else the one that waits, comes to nothing. */
export function giveUp({ firing, waiting }: ScheduleState, reason: string): ScheduleEvent[] {
  const occurrence = firing ?? waiting;
  return occurrence ? [resolved(occurrence, { outcome: 'skipped', reason, tasks: [] })] : [];
}

/** How far ahead a moment may lie that an operator leaves out. */
const LEAVE_OUT_AHEAD_MS = 366 * 86_400_000;
/** Moments to come that are left out at the same time, at most. */
const MAX_LEFT_OUT = 100;

/** The next moment at which the scheduler would act if no moment were left out; undefined: there is none. */
export function nextMoment(state: ScheduleState, { now, zone }: Time): number | undefined {
  const items = firingItems(state).filter(({ ignore }) => !ignore);
  return nextDueTime(items, zoneOf(state, zone), Math.max(now, state.settledUntil))?.due;
}

/**
 * Leaves a moment to come out. Nothing follows when it is left out already.
 * @throws ServiceError `wrong_state`: it has passed; `invalid`: no item is due then.
 */
export function leaveOut(state: ScheduleState, due: number, by: string, time: Time): ScheduleEvent[] {
  assertToCome(state, due, time);
  const coming = (state.leftOut ?? []).filter((moment) => moment.due > time.now);
  if (coming.some((moment) => moment.due === due)) return [];
  const items = firingItems(state).filter(({ ignore }) => !ignore);
  const shown = new Date(due).toISOString();
  if (
    due - time.now > LEAVE_OUT_AHEAD_MS ||
    nextDueTime(items, zoneOf(state, time.zone), due - 1)?.due !== due
  ) {
    throw new ServiceError(
      'nothing_due',
      `no item of scheduled task ${state.id} is due at ${shown}`,
      'due_at',
      {
        value: shown,
      },
    );
  }
  if (coming.length >= MAX_LEFT_OUT) {
    throw new ServiceError(
      'moments_full',
      `${MAX_LEFT_OUT} moments of scheduled task ${state.id} are left out already: ignore an item instead`,
      undefined,
      { data: { limit: MAX_LEFT_OUT } },
    );
  }
  return [{ type: 'MomentLeftOut', data: { due, by } }];
}

/**
 * Takes back that a moment is left out. Nothing follows when it is not.
 * @throws ServiceError `wrong_state`: it has passed.
 */
export function takeBack(state: ScheduleState, due: number, by: string, time: Time): ScheduleEvent[] {
  assertToCome(state, due, time);
  if (!state.leftOut?.some((moment) => moment.due === due)) return [];
  return [{ type: 'MomentTakenBack', data: { due, by } }];
}

function assertToCome(state: ScheduleState, due: number, { now }: Time): void {
  if (due > Math.max(now, state.settledUntil)) return;
  throw new ServiceError(
    'moment_passed',
    `the moment ${new Date(due).toISOString()} of scheduled task ${state.id} has passed`,
    'due_at',
    { value: new Date(due).toISOString() },
  );
}
