/** The process around a command; tests give their own. */
export interface Io {
  env: NodeJS.ProcessEnv;
  out(text: string): void;
  err(text: string): void;
  /** Columns of the terminal that shows standard output; undefined: it is no terminal. */
  columns: number | undefined;
  /** Standard error is a terminal: progress may rewrite its line. */
  errIsTerminal: boolean;
  /** Standard input is a terminal: a person can answer. */
  inIsTerminal: boolean;
  /** All of standard input. */
  readInput(): Promise<string>;
  /** One line of standard input; undefined: it has ended. */
  readLine(): Promise<string | undefined>;
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  fetch: typeof fetch;
}
