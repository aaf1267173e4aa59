import type { CronItem, DependItem, ExecType, OccurrenceCause, ScheduleType } from '@rigel/contracts';
import { EventTypes, type EventVersions } from '@rigel/event-store';

/*
 * The facts of a scheduled task's life, all in one stream `schedule-<id>`: what it is to do when, and what became of each
 * occurrence. Times are milliseconds since 1970.
 */

/** Names one occurrence of a scheduled task for good. */
export interface OccurrenceKey {
  cause: OccurrenceCause;
  due: number;
}

/** An occurrence with its item as it was then. */
export interface DueItem extends OccurrenceKey {
  item: CronItem;
  /** The deployment's time zone, in which the scheduler read the items of a scheduled task that names none. */
  zone?: string;
}

/** Its items as a whole; what they were before counts no more after `at`. */
export interface ScheduleSaved {
  pool: number;
  type: ScheduleType;
  execType: ExecType;
  /** Empty: the deployment's. */
  timeZone: string;
  cronItems: CronItem[];
  dependItems: DependItem[];
  /** Occurrences up to here are those of the items before, later ones those of these. */
  at: number;
  /** The deployment's time zone, where the scheduled task named none until now. */
  zone?: string;
}

/** An occurrence was due, and the scheduler is to act on it. */
export interface OccurrenceOpened extends DueItem {
  /** The scheduler noticed it so late that acting on it is catching up. */
  late: boolean;
}

/** An occurrence was due, and the scheduler does not act on it. */
export interface OccurrenceSkipped extends DueItem {
  reason: string;
}

/** Tasks may be made for it from now on, and none can have been before. */
export type OccurrenceFiring = OccurrenceKey;

/** The end of an occurrence that was opened. */
export interface OccurrenceResolved extends OccurrenceKey {
  outcome: 'fired' | 'caught_up' | 'nothing_to_do' | 'skipped';
  /** For skipped ones. */
  reason: string;
  tasks: number[];
}

/** An operator leaves one coming moment out: it counts as if it had not been. */
export interface MomentLeftOut {
  due: number;
  by: string;
}

/** An operator takes that back before the moment comes. */
export type MomentTakenBack = MomentLeftOut;

export type ScheduleEvent =
  | { type: 'ScheduleSaved'; data: ScheduleSaved }
  | { type: 'OccurrenceOpened'; data: OccurrenceOpened }
  | { type: 'OccurrenceSkipped'; data: OccurrenceSkipped }
  | { type: 'OccurrenceFiring'; data: OccurrenceFiring }
  | { type: 'OccurrenceResolved'; data: OccurrenceResolved }
  | { type: 'MomentLeftOut'; data: MomentLeftOut }
  | { type: 'MomentTakenBack'; data: MomentTakenBack };

/** The types and their versions, as those of a task. */
export const scheduleEventVersions: EventVersions<ScheduleEvent> = {
  ScheduleSaved: [],
  OccurrenceOpened: [],
  OccurrenceSkipped: [],
  OccurrenceFiring: [],
  OccurrenceResolved: [],
  MomentLeftOut: [],
  MomentTakenBack: [],
};

export const scheduleEventTypes = new EventTypes<ScheduleEvent>(scheduleEventVersions);

const PREFIX = 'schedule-';

export const scheduleStreamOf = (id: number): string => `${PREFIX}${id}`;

/** Whether a stream is a scheduled task's. */
export const isScheduleStream = (stream: string): boolean => stream.startsWith(PREFIX);

/** The scheduled task that a stream is about. */
export const scheduleIdOf = (stream: string): number => Number(stream.slice(PREFIX.length));
