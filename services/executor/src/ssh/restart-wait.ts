import type { Clock } from '@rigel/clock';
import { ConnectFailure, ConnectionLost, type NodeConnection } from '@rigel/remote-attempt';
import type { NodeAccess } from './ssh-runner.js';

/** First and longest pause between two looks at the node. */
const LOOK_FIRST_MS = 500;
const LOOK_LONGEST_MS = 5_000;
/** How long a node may still answer whose command was ended by a signal, before that counts as no restart. */
export const GOING_DOWN_MS = 60_000;

/** What is looked at, and by whom. */
export interface RestartWatch {
  /** Names the attempt that restarts the node. */
  key: string;
  /** The boot under which it was begun, where the record of that is not in the node's home folder. */
  begun: string | undefined;
  /** It is certain that it was begun. Else a record of that on the node is needed: another restart would be taken for its own. */
  wasBegun: boolean;
  access: Pick<NodeAccess, 'boots'>;
  clock: Clock;
  /** @throws ConnectFailure */
  connect(signal: AbortSignal): Promise<NodeConnection>;
  drop(connection: NodeConnection): void;
}

export interface RestartLimits {
  /** When the node is to have restarted and to answer, by the clock. */
  until: number;
  /** When it is at least to be on its way down. */
  downBy: number;
  /** Ends the waiting: the call then rejects with the signal's reason. */
  signal: AbortSignal;
}

/** What became of a node that was told to restart. `same`: it answers, and has not restarted. */
export type Restart = { is: 'restarted' } | { is: 'same' } | { is: 'away' | 'refused'; problem: string };

/**
 * Waits until a node answers that was told to restart, and looks by its boot id whether it has. Whoever takes over waits on:
 * under which boot the attempt was begun stands on the node.
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
        // Where the record was lost, it goes by the boot under which the node was seen first.
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
      // Another machine answers there: waiting would not change that.
      if (error.isHostKey) return { is: 'refused', problem: error.message };
      wasDown = true;
    }
    const now = clock.now();
    if (now >= limits.until || (!wasDown && now >= limits.downBy)) return state;
    await clock.sleep(Math.min(pause, Math.max(1, limits.until - now)), signal);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
