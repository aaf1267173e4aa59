import { ask } from './ask.js';
import { withFolders } from './attempt-folders.js';
import { checkAttemptKey } from './attempt-spec.js';
import { type NodeConnection, shellOf } from './node-connection.js';
import { pruneScript, stopScript } from './node-script.js';
import { plainText } from './plain-text.js';
import { StillAlive, survivorsOf } from './still-alive.js';

/** The result of a stop: it ended the attempt; it came too late; or it came first, and the attempt never starts. */
export type StopResult = 'stopped' | 'already_exited' | 'never_started';

export interface StopOptions {
  /**
   * Time between TERM and KILL for the processes, in milliseconds. Default 10000. The first stop of an attempt decides;
   * later stops do not change it.
   */
  graceMs?: number;
  /** Recorded folders of attempts of this run, in addition to those that the connection knows. */
  folders?: readonly string[];
}

export const DEFAULT_GRACE_MS = 10_000;
/**
 * How long the script may take beyond the time until KILL, which it announces: it gives up 5 s after its first KILL.
 */
const ANSWER_MS = 20_000;
const PRUNE_MS = 10 * 60_000;

/**
 * Stops an attempt with its whole process tree, also the processes that left its session, and returns when none is
 * alive. An attempt that has not started never will. May be called any number of times. TERM goes only to processes
 * that are alive when it is sent first; processes that they start then, to clean up, have the rest of the grace time.
 * @throws StillAlive when processes withstand KILL, or may belong to the attempt, which is not certain; an Error when
 *   the node cannot be worked on; ConnectionLost.
 */
export async function stopAttempt(
  connection: NodeConnection,
  key: string,
  options: StopOptions = {},
): Promise<StopResult> {
  checkAttemptKey(key, 'key');
  const graceMs = options.graceMs ?? DEFAULT_GRACE_MS;
  const answer = await ask(
    connection,
    stopScript(key, graceMs, withFolders(shellOf(connection).otherFolders, options.folders)),
    graceMs + ANSWER_MS,
    `stopping attempt ${key}`,
  );
  const [word, ...words] = answer.split(' ');
  switch (word) {
    case 'stopped':
    case 'already_exited':
    case 'never_started':
      return word;
    case 'alive':
      throw new StillAlive(key, connection.host, survivorsOf(words));
    default:
      throw new Error(
        `attempt ${key} on ${connection.host} could not be stopped: ${plainText(words.join(' ')) || plainText(answer)}`,
      );
  }
}

/**
 * Removes the files of attempts that ended at least this many days ago. Returns the number of attempts.
 *
 * The node forgets a removed attempt: if it were started again, it would run. So the days must be more than any
 * executor may take to come back to an attempt.
 */
export async function pruneAttempts(connection: NodeConnection, olderThanDays: number): Promise<number> {
  if (!Number.isInteger(olderThanDays) || olderThanDays < 1) {
    throw new TypeError(`olderThanDays: ${olderThanDays} is not a whole number of at least 1`);
  }
  const answer = await ask(
    connection,
    pruneScript(olderThanDays, shellOf(connection).otherFolders),
    PRUNE_MS,
    'removing old attempts',
  );
  const count = /^pruned (\d{1,9})$/.exec(answer)?.[1];
  if (count === undefined)
    throw new Error(`removing old attempts on ${connection.host}: ${plainText(answer)}`);
  return Number(count);
}
