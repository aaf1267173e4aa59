import type { RigelClient } from '@rigel/api-client';
import type { Io } from '../io.js';
import type { Printer } from '../output/printer.js';
import type { Settings } from '../settings/settings.js';

/** Flags that every command takes. */
export interface GlobalFlags {
  quiet: boolean;
  yes: boolean;
  debug: boolean;
  ascii: boolean;
  /** Confirms only the plan with this hash. */
  plan: string | undefined;
  dryRun: boolean;
}

/** One run of a command. */
export interface Invocation {
  io: Io;
  /** Where the system is, and as whom. */
  settings: Settings;
  /** Calls of the API. Reads where the system is when it is first used. */
  api(): RigelClient;
  print: Printer;
  flags: GlobalFlags;
  language: 'en' | 'zh';
  /** Ctrl-C. */
  signal: AbortSignal;
  /** Tells the person something on standard error; `--quiet` hides it. */
  note(line: string): void;
}
