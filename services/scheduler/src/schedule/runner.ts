import type { Clock } from '@rigel/clock';
import { partitionOf, ServiceError } from '@rigel/contracts';
import { VersionConflict } from '@rigel/event-store';
import type { RequestContext } from '@rigel/messaging';
import type { Logger } from 'pino';
import { nextDueTime } from './calendar.js';
import {
  beginFiring,
  finishFiring,
  firingItems,
  giveUp,
  OVERLAP,
  passTime,
  takeOver,
  targetInForce,
  zoneOf,
} from './decide.js';
import type { OccurrenceOpened, ScheduleEvent } from './events.js';
import type { Firing } from './fire.js';
import { evolveSchedule, type ScheduleState } from './state.js';
import type { ScheduleLedger } from './store.js';

/** Pause between two looks at what an occurrence waits for. */
const RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 60_000;

/** A scheduled task that this replica runs. */
interface Owned {
  state: ScheduleState;
  /** The first due time that the runner has not noticed; null: there is none. Undefined: to be computed. */
  next: number | null | undefined;
  /** This replica took it over, and has not applied the item in force since. */
  takenOver: boolean;
  /** The runner acts on it now. */
  busy: boolean;
  /** The runner looks no earlier, unless an occurrence is due. */
  retryAt: number;
  tries: number;
  /** What it waits for, as the log and the table say by now. */
  told: string;
}

/**
 * Runs the scheduled tasks of the partitions that this replica owns: acts on their occurrences when they are due. The runner records each
 * step before it takes it: an occurrence is opened, then fires, then has its outcome. A replica that takes over in between finds
 * the tasks of the occurrence by its key, or makes them.
 */
export class ScheduleRunner {
  private readonly owned = new Map<number, Owned>();
  private partitions: ReadonlySet<number> = new Set();
  private ticking = false;
  /** What is under way. */
  private readonly acting = new Set<Promise<void>>();

  constructor(
    private readonly options: {
      ledger: ScheduleLedger;
      firing: Firing;
      /** Time zone of schedules that name none. */
      zone: string;
      clock: Clock;
      log: Logger;
    },
  ) {}

  /** Sets the partitions that this replica owns now. */
  own(partitions: ReadonlySet<number>): void {
    this.partitions = partitions;
    for (const id of this.owned.keys()) if (!partitions.has(partitionOf(id))) this.owned.delete(id);
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.acting.size > 0) await Promise.all(this.acting);
  }

  /** Once a second, and when a scheduled task was saved. Resolves when the runner has begun to act on all that is due. */
  async tick(): Promise<void> {
    if (this.ticking) return;
    this.ticking = true;
    try {
      const versions = await this.options.ledger.versions([...this.partitions]);
      const all = [...versions].filter(([id]) => this.partitions.has(partitionOf(id)));
      await Promise.all(all.map(([id, version]) => this.look(id, version)));
    } finally {
      this.ticking = false;
    }
  }

  /** Looks at one scheduled task; a failure concerns only that one. */
  private async look(id: number, version: number): Promise<void> {
    const known = this.owned.get(id);
    if (known?.busy) return;
    const { log, clock, zone } = this.options;
    try {
      const owned = known && known.state.version >= version ? known : await this.load(id, known);
      if (!owned) return;
      if (owned.next === undefined) {
        const { state } = owned;
        owned.next = nextDueTime(firingItems(state), zoneOf(state, zone), state.settledUntil)?.due ?? null;
      }
      const now = clock.now();
      const due = owned.next !== null && owned.next <= now;
      const { waiting, firing } = owned.state;
      // A clock that was set back must not put it off for longer.
      const mayTry = now >= owned.retryAt || owned.retryAt - now > LONGEST_RETRY_MS;
      if (!due && !((waiting || firing || owned.takenOver) && mayTry)) return;
      owned.busy = true;
      // Not awaited: a scheduled task whose neighbours are slow must not keep the others waiting.
      const acting = this.act(id, owned).finally(() => {
        owned.busy = false;
        this.acting.delete(acting);
      });
      this.acting.add(acting);
    } catch (error) {
      log.warn(
        { schedule: id, err: error },
        'the scheduler could not read a scheduled task, and tries again',
      );
    }
  }

  private async load(id: number, known: Owned | undefined): Promise<Owned | undefined> {
    const state = await this.options.ledger.load(id);
    if (!state || !this.partitions.has(partitionOf(id))) return undefined;
    const takenOver = known?.takenOver ?? true;
    const owned = { state, next: undefined, takenOver, busy: false, retryAt: 0, tries: 0, told: '' };
    this.owned.set(id, owned);
    return owned;
  }

  private async act(id: number, owned: Owned): Promise<void> {
    const { log, clock } = this.options;
    try {
      await this.advance(owned);
    } catch (error) {
      if (error instanceof VersionConflict) {
        // Somebody saved it, or another replica owns it by now: the next look decides on what is recorded.
        if (this.owned.get(id) === owned) {
          const again = await this.load(id, owned).catch(() => undefined);
          if (!again) this.owned.delete(id);
        }
        return;
      }
      owned.retryAt = clock.now() + Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** owned.tries++);
      log.warn(
        { schedule: id, err: error },
        'the scheduler could not act on a scheduled task, and tries again',
      );
    }
  }

  /** Takes the steps that are possible now. */
  private async advance(owned: Owned): Promise<void> {
    const { clock, zone } = this.options;
    await this.record(owned, passTime(owned.state, { now: clock.now(), zone }));
    if (owned.takenOver) await this.applyInForce(owned);
    const { waiting, firing } = owned.state;
    if (firing) await this.goOn(owned, firing);
    if (waiting && !owned.state.firing && (await this.isFree(owned, waiting))) {
      await this.record(owned, beginFiring(owned.state));
      if (owned.state.firing) await this.goOn(owned, owned.state.firing);
    }
  }

  /** Records nothing when the pool is as the item wants it: replicas take over whenever one comes or goes. */
  private async applyInForce(owned: Owned): Promise<void> {
    const time = { now: this.options.clock.now(), zone: this.options.zone };
    const { waiting, firing } = owned.state;
    const item = waiting || firing ? undefined : targetInForce(owned.state, time);
    if (item) {
      const standings = await this.options.ledger.standings(owned.state.lastTasks);
      const ended = standings.every(({ standing }) => standing === 'ended');
      if (ended && (await this.isNeeded(owned, item))) await this.record(owned, takeOver(owned.state, time));
    }
    owned.takenOver = false;
  }

  /** A pool that is gone, or whose state cannot be known for another reason that stays, needs nothing. */
  private async isNeeded(owned: Owned, item: OccurrenceOpened['item']): Promise<boolean> {
    try {
      const now = this.options.clock.now();
      return await this.options.firing.isNeeded(owned.state, item, contextOf(owned.state.id, now));
    } catch (error) {
      if (isFinal(error)) return false;
      throw error;
    }
  }

  /** Whether the tasks of the last occurrence let the one that waits begin. */
  private async isFree(owned: Owned, waiting: OccurrenceOpened): Promise<boolean> {
    const standings = await this.options.ledger.standings(owned.state.lastTasks);
    const paused = standings.find(({ standing }) => standing === 'paused');
    if (paused) {
      await this.record(
        owned,
        giveUp(owned.state, `paused: task ${paused.id} of the last occurrence is paused`),
      );
      return false;
    }
    const running = standings.find(({ standing }) => standing === 'running');
    if (!running) return true;
    await this.putOff(owned, waiting, `task ${running.id} of the last occurrence to end`);
    return false;
  }

  /** Makes the tasks of the occurrence that fires, unless they have been made. */
  private async goOn(owned: Owned, firing: OccurrenceOpened): Promise<void> {
    const { ledger } = this.options;
    const { state } = owned;
    const made = await ledger.tasksOf(state.id, firing);
    if (made.length > 0) return this.record(owned, finishFiring(state, made));
    try {
      const fired = await this.options.firing.fire(state, firing, contextOf(state.id, firing.due));
      if ('tasks' in fired) return await this.record(owned, finishFiring(state, fired.tasks));
      if (state.waiting) return await this.record(owned, giveUp(state, OVERLAP));
      await this.putOff(owned, firing, fired.waitsFor);
    } catch (error) {
      if (!isFinal(error)) {
        // The tasks may have been made all the same; then the record refuses an outcome without them.
        if (state.waiting) return this.record(owned, giveUp(state, OVERLAP));
        throw error;
      }
      // Refused because of a task that this same occurrence has made: the next try finds that task.
      if ((await ledger.tasksOf(state.id, firing)).length > 0) return;
      await this.record(owned, giveUp(state, `refused: ${error.message}`));
    }
  }

  private async putOff(owned: Owned, occurrence: OccurrenceOpened, waitsFor: string): Promise<void> {
    const { clock, ledger, log } = this.options;
    owned.retryAt = clock.now() + RETRY_MS;
    if (owned.told === waitsFor) return;
    log.info({ schedule: owned.state.id, waits_for: waitsFor }, 'a scheduled task waits');
    await ledger.noteWait(owned.state.id, occurrence, waitsFor);
    owned.told = waitsFor;
  }

  private async record(owned: Owned, events: readonly ScheduleEvent[]): Promise<void> {
    if (events.length === 0) return;
    const { ledger, clock } = this.options;
    const { state } = owned;
    const now = clock.now();
    const { correlationId, actor } = contextOf(state.id, now);
    await ledger.record(state, events, { correlationId, actor }, now);
    for (const event of events) owned.state = evolveSchedule(owned.state, event, state.id);
    owned.next = undefined;
    owned.retryAt = 0;
    owned.tries = 0;
    owned.told = '';
  }
}

/** A refusal by a rule, which trying again does not change. */
function isFinal(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.code !== 'unavailable' && error.code !== 'internal';
}

function contextOf(id: number, at: number): RequestContext {
  const correlationId = `schedule-${id}-${new Date(at).toISOString()}`;
  return { correlationId, actor: 'crontab', partition: undefined };
}
