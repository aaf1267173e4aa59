import type { Clock } from '@rigel/clock';
import { ConnectFailure, ConnectionLost, type NodeConnection } from '@rigel/remote-attempt';
import { messageOf } from '../message-of.js';
import type { NodeAccess } from './node-access.js';

/** First and longest pause between two looks at the node. */
const LOOK_FIRST_MS = 500;
const LOOK_LONGEST_MS = 5_000;
/** How long a node may still answer after a signal ended its command. After that, it does not count as restarting. */
export const GOING_DOWN_MS = 60_000;

/** The node and attempt to look at, and the means. */
export interface RestartWatch {
  /** Names the attempt that restarts the node. */
  key: string;
  /** The boot under which the attempt began, if the record of it is not in the node's home folder. */
  begun: string | undefined;
  /**
   * The attempt has certainly begun. If not, the node must have a record of it, or another restart would be taken for
   * its own.
   */
  wasBegun: boolean;
  access: Pick<NodeAccess, 'boots'>;
  clock: Clock;
  /** @throws ConnectFailure */
  connect(signal: AbortSignal): Promise<NodeConnection>;
  drop(connection: NodeConnection): void;
}

export interface RestartLimits {
  /** The time (by the clock) until which the node has to restart and answer. */
  until: number;
  /** The time until which the node has to have stopped answering at least once. */
  downBy: number;
  /** Ends the wait: the call then rejects with the signal's reason. */
  signal: AbortSignal;
}

/** Whether a node has restarted. `same`: it answers and has not restarted. */
export type Restart = { is: 'restarted' } | { is: 'same' } | { is: 'away' | 'refused'; problem: string };

/**
 * Waits until a restarting node answers, and sees by its boot id whether it has restarted. Another executor can take
 * over the wait: the node has a record of the boot under which the attempt began.
 */
export async function waitForRestart(watch: RestartWatch, limits: RestartLimits): Promise<Restart> {
  const { access, clock, key } = watch;
  const { signal } = limits;
  let { begun } = watch;
  let wasDown = false;
  for (let pause = LOOK_FIRST_MS; ; pause = Math.min(pause * 1.5, LOOK_LONGEST_MS)) {
    signal.throwIfAborted();
    let state: Restart;
    try {
      const connection = await watch.connect(signal);
      try {
        const boots = await access.boots(connection, key);
        if (begun === undefined && boots.begun === undefined && !watch.wasBegun) return { is: 'same' };
        // Without a record, the boot that this executor saw first counts.
        begun ??= boots.begun ?? boots.now;
        const restarted = boots.now !== undefined && boots.now !== begun;
        state = { is: restarted ? 'restarted' : 'same' };
        if (restarted) return state;
      } catch (error) {
        // A node on its way down may also refuse to start anything.
        watch.drop(connection);
        if (error instanceof ConnectionLost) wasDown = true;
        state = { is: 'away', problem: messageOf(error) };
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ConnectFailure)) throw error;
      state = { is: 'away', problem: error.message };
      // Another machine answers at this address: waiting does not change that.
      if (error.isHostKey) return { is: 'refused', problem: error.message };
      wasDown = true;
    }
    const now = clock.now();
    if (now >= limits.until || (!wasDown && now >= limits.downBy)) return state;
    await clock.sleep(Math.min(pause, Math.max(1, limits.until - now)), signal);
  }
}
