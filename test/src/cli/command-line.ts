import { setTimeout as sleep } from 'node:timers/promises';
import { type Io, run } from '@rigel/cli';

/** What a command line has printed. */
export interface Printed {
  status: number;
  out: string;
  err: string;
}

export interface Around {
  env?: NodeJS.ProcessEnv;
  /** A person at a terminal, who answers this. */
  answer?: string;
  /** The person waits for this before the answer. */
  beforeAnswer?: () => Promise<void>;
  /** Standard input. */
  input?: string;
}

/** Runs command lines in this process, with the variables of `env`. */
export function commandLine(env: NodeJS.ProcessEnv) {
  return async (args: readonly string[], around: Around = {}): Promise<Printed> => {
    const printed = { out: '', err: '' };
    const io: Io = {
      env: { ...env, ...around.env },
      out: (text) => {
        printed.out += text;
      },
      err: (text) => {
        printed.err += text;
      },
      columns: undefined,
      errIsTerminal: false,
      inIsTerminal: around.answer !== undefined,
      readInput: async () => around.input ?? '',
      readLine: async () => {
        await around.beforeAnswer?.();
        return around.answer;
      },
      now: Date.now,
      sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
      fetch,
    };
    const status = await run(args, io, new AbortController().signal, '0.0.0');
    return { status, ...printed };
  };
}
