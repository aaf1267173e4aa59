import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { browserOf } from './browser.js';
import type { Io } from './io.js';
import { releaseOf } from './release.js';
import { run } from './run.js';
import { fullScreen } from './terminal.js';

const io: Io = {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  errIsTerminal: process.stderr.isTTY && process.env.TERM !== 'dumb',
  inIsTerminal: process.stdin.isTTY,
  screen: fullScreen(process),
  openBrowser: browserOf(process),
  readInput: async () => {
    process.stdin.setEncoding('utf8');
    let text = '';
    for await (const part of process.stdin) text += part;
    return text;
  },
  readLine: () =>
    new Promise((resolve) => {
      const lines = createInterface({ input: process.stdin });
      lines.once('line', (line) => {
        resolve(line);
        lines.close();
      });
      lines.once('close', () => resolve(undefined));
    }),
  now: Date.now,
  // A wait that is interrupted is over; who waits looks at the signal.
  sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
  fetch,
};

/** Runs a command line in this process. @returns the exit status. */
export async function runProcess(argv: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  process.once('SIGTERM', () => interrupt.abort());
  // The reader of the output may stop reading (`| head`).
  process.stdout.on('error', () => process.exit(0));
  return run(argv, io, interrupt.signal, releaseOf());
}
