import { ConnectionLost } from './connection-lost.js';
import { type NodeConnection, shellOf } from './node-connection.js';
import type { NodeScript } from './node-script.js';

/**
 * Runs a script that says one thing.
 * @param what for messages: what the script is to do.
 * @throws ConnectionLost, also when there is no answer in time; an Error when the script could not be run.
 */
export async function ask(
  connection: NodeConnection,
  script: NodeScript,
  timeoutMs: number,
  what: string,
): Promise<string> {
  let answer: string | undefined;
  const session = shellOf(connection).run(script, {
    control: (line) => {
      answer ??= line;
    },
    data: () => undefined,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      session.close();
      reject(new ConnectionLost(`${what} on ${connection.host}: no answer in ${timeoutMs / 1000} s`));
    }, timeoutMs);
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
