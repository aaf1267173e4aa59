import type { Clock } from '@rigel/clock';
import type { Timeline } from './timeline.js';

/** What never comes: the answer to a process that is dead. */
function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

/** How long a request takes to where it is worked on, and its answer back, in milliseconds. */
export interface Trip {
  there: number;
  back: number;
}

/**
 * A process of the system under test: it can be killed between any two of its effects on the world, stand still for a
 * while, and have a clock that is wrong.
 */
export class Host {
  dead = false;
  frozenUntil = 0;
  /** Its link to NATS is cut until then. */
  offlineUntil = 0;
  /** What its clock says more than simulated time. */
  private skew = 0;
  /** Effects left until it dies in the middle of what it does; undefined: it does not. */
  private effectsLeft: number | undefined;

  constructor(
    readonly name: string,
    readonly timeline: Timeline,
    private readonly onDeath: (host: Host) => void,
  ) {}

  readonly clock: Clock = {
    now: () => this.timeline.now + this.skew,
    sleep: (ms, signal) =>
      new Promise<void>((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const callOff = this.timeline.schedule(ms, this, () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
        const onAbort = (): void => {
          callOff();
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    // Every arrival is a turn of its own on the timeline.
    endOfTurn: () => Promise.resolve(),
    after: (ms, action) => this.timeline.schedule(ms, this, action),
    every: (ms, action) => {
      let callOff = (): void => undefined;
      const again = (): void => {
        callOff = this.timeline.schedule(ms, this, () => {
          again();
          action();
        });
      };
      again();
      return () => callOff();
    },
  };

  /** Its clock jumps. */
  setSkew(ms: number): void {
    this.skew = ms;
  }

  freeze(ms: number): void {
    this.frozenUntil = Math.max(this.frozenUntil, this.timeline.now + ms);
  }

  kill(): void {
    if (this.dead) return;
    this.dead = true;
    this.onDeath(this);
  }

  /** It will die right before its so-manieth effect from now. */
  killAfter(effects: number): void {
    this.effectsLeft = effects;
  }

  /** To be asked before each effect on the world. False: the process is dead, and has no more. */
  mayAct(): boolean {
    if (this.dead) return false;
    if (this.effectsLeft === undefined) return true;
    if (this.effectsLeft > 0) {
      this.effectsLeft--;
      return true;
    }
    this.kill();
    return false;
  }

  /** Has something done elsewhere, and gets the answer (or the error that was thrown). */
  ask<T>(trip: Trip, work: () => T): Promise<T> {
    if (!this.mayAct()) return never();
    return new Promise<T>((resolve, reject) => {
      this.timeline.schedule(trip.there, undefined, () => {
        let answer: () => void;
        try {
          const result = work();
          answer = () => resolve(result);
        } catch (error) {
          answer = () => reject(error);
        }
        this.timeline.schedule(trip.back, this, answer);
      });
    });
  }
}
