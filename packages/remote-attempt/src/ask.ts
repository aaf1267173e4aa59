import { ConnectionLost } from './connection-lost.js';
import { type NodeConnection, shellOf } from './node-connection.js';
import type { NodeScript } from './node-script.js';

/** How long a script may take beyond the time that it says it waits. */
const MARGIN_MS = 20_000;
/** The longest wait that a script may ask for: a stop's grace time is at most ten minutes. */
const LONGEST_WAIT_MS = 11 * 60_000;

/**
 * Runs a script that answers with one line. Before that it may say `wait <hundredths of a second>`, which sets its time
 * limit.
 * @param what for messages: the task of the script.
 * @throws ConnectionLost, also when there is no answer in time; an Error when the script could not be run.
 */
export async function ask(
  connection: NodeConnection,
  script: NodeScript,
  timeoutMs: number,
  what: string,
): Promise<string> {
  let answer: string | undefined;
  let giveUpAfter: (ms: number) => void = () => undefined;
  const session = shellOf(connection).run(script, {
    control: (line) => {
      const wait = /^wait (\d{1,9})$/.exec(line)?.[1];
      if (wait === undefined) answer ??= line;
      else giveUpAfter(Math.min(Number(wait) * 10, LONGEST_WAIT_MS) + MARGIN_MS);
    },
    data: () => undefined,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    giveUpAfter = (ms) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        session.close();
        reject(new ConnectionLost(`${what} on ${connection.host}: no answer in ${ms / 1000} s`));
      }, ms);
    };
    giveUpAfter(timeoutMs);
  });
  try {
    const end = await Promise.race([session.ended, late]);
    if (answer !== undefined) return answer;
    throw new Error(
      `${what} on ${connection.host}: the script could not be run ` +
        `(${end.signal ?? `exit status ${end.status}`}: ${end.said || 'it said nothing'})`,
    );
  } finally {
    clearTimeout(timer);
  }
}
