import { setTimeout as sleep } from 'node:timers/promises';
import { type FullScreen, type Io, run } from '@rigel/cli';

export interface Printed {
  status: number;
  out: string;
  err: string;
}

export interface Around {
  env?: NodeJS.ProcessEnv;
  /** A person at a terminal, who answers this, perhaps after something else has happened. */
  answer?: string | (() => Promise<string>);
  input?: string;
  signal?: AbortSignal;
  /** A terminal that can be drawn on as a whole. */
  screen?: FullScreen;
}

/** Runs command lines in this process, all with these variables. */
export function commandLine(env: NodeJS.ProcessEnv): (args: string[], around?: Around) => Promise<Printed> {
  return async (args, around = {}) => {
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
      ...(around.screen ? { screen: around.screen } : {}),
      readInput: async () => around.input ?? '',
      readLine: async () => (typeof around.answer === 'function' ? around.answer() : around.answer),
      now: Date.now,
      sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
      fetch,
    };
    const status = await run(args, io, around.signal ?? new AbortController().signal, '0.0.0');
    return { status, ...printed };
  };
}
