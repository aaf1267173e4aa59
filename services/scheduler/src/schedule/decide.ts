import type { CronItem, CronItemInput, DependItemInput } from '@rigel/contracts';
import { dueTimesBetween, itemInForce } from './calendar.js';
import type { DueItem, OccurrenceKey, OccurrenceResolved, ScheduleEvent, ScheduleSaved } from './events.js';
import { evolveSchedule, type ScheduleState } from './state.js';

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
    const { cause, due, item } = occurrence;
    this.add({ type: 'OccurrenceOpened', data: { cause, due, item, late } });
  }
}

export const OVERLAP = 'overlap: a newer one takes its place';
const IGNORED = 'ignored: its item says so';
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
    },
  });
  const inForce = facts.state && targetInForce(facts.state, { ...time, now: at });
  if (inForce) facts.open({ cause: 'saved', due: at, item: inForce }, true);
  return facts.events;
}

/** The item that sets the number of nodes now; only for scheduled tasks that set one by the clock. */
export function targetInForce(state: ScheduleState, { now, zone }: Time): CronItem | undefined {
  if (state.saved.type !== 'expand') return undefined;
  return itemInForce(firingItems(state), zoneOf(state, zone), now);
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
    const occurrence = { cause: 'due' as const, due, item };
    const late = now - due > LATE_MS;
    const missed = late && state.saved.type === 'upload';
    if (item.ignore || missed) {
      const reason = item.ignore ? IGNORED : MISSED;
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
