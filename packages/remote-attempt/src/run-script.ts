import { ConnectionLost } from './connection-lost.js';
import { type NodeConnection, shellOf } from './node-connection.js';
import { outsideScript } from './node-script.js';

export interface ScriptResult {
  status: number;
  /** Standard output and error. */
  output: string;
}

const LONGEST_OUTPUT = 1024 * 1024;

/**
 * Runs a short POSIX shell script over the connection and waits for its end. The script is not an attempt: after a
 * broken connection it is unknown how far it came, so it must be one that may be repeated.
 * @throws ConnectionLost; the signal's reason when that is aborted (the script may go on).
 */
export async function runScript(
  connection: NodeConnection,
  text: string,
  signal: AbortSignal,
): Promise<ScriptResult> {
  signal.throwIfAborted();
  const output: Buffer[] = [];
  let bytes = 0;
  let status: number | undefined;
  const session = shellOf(connection).run(outsideScript(text), {
    control: (line) => {
      const found = /^status (\d{1,4})$/.exec(line)?.[1];
      if (found !== undefined) status ??= Number(found);
    },
    data: (chunk) => {
      if (status !== undefined || bytes >= LONGEST_OUTPUT) return;
      const part = Buffer.from(chunk.subarray(0, LONGEST_OUTPUT - bytes));
      bytes += part.length;
      output.push(part);
    },
  });
  const onAbort = (): void => session.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const end = await session.ended;
    if (status !== undefined) return { status, output: Buffer.concat(output).toString('utf8') };
    throw new ConnectionLost(
      `a script on ${connection.host} could not be run (${end.signal ?? `exit status ${end.status}`}: ${end.said || 'it said nothing'})`,
    );
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
