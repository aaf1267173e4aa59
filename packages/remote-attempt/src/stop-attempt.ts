import { ask } from './ask.js';
import { withFolders } from './attempt-folders.js';
import { checkAttemptKey } from './attempt-spec.js';
import { type NodeConnection, shellOf } from './node-connection.js';
import { pruneScript, stopScript } from './node-script.js';
import { plainText } from './plain-text.js';
import { StillAlive, survivorsOf } from './still-alive.js';

/** What stopping found: it ended the attempt; it came too late; or it came first, and the attempt never starts. */
export type StopResult = 'stopped' | 'already_exited' | 'never_started';

export interface StopOptions {
  /**
   * How long the processes have between TERM and KILL, in milliseconds. Default 10000. The first stop of an attempt decides; later
   * ones do not change it.
   */
  graceMs?: number;
  /** Folders in which attempts of this run were recorded to be, beside those that the connection knows of. */
  folders?: readonly string[];
}

export const DEFAULT_GRACE_MS = 10_000;
/** What a script may take beyond the time until KILL, which it tells: it gives up itself, 5 s after its first KILL. */
const ANSWER_MS = 20_000;
const PRUNE_MS = 10 * 60_000;

/**
 * Stops an attempt with its whole process tree, also the processes that left its session, and returns when none is
 * alive. An attempt that has not started never will. May be called any number of times. TERM goes only to processes that
 * lived when it is sent first; what they start then, to clean up, has the rest of the grace time.
 * @throws StillAlive when processes withstand KILL, or may be of the attempt and are not certainly so; an Error when
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
 * Removes the files of attempts that ended at least so many days ago. Returns how many.
 *
 * A removed attempt is forgotten: were it started once more, it would run. So the days must be more than any executor
 * may take to come back to an attempt.
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
