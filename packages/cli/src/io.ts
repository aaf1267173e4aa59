/** A terminal that a command may draw on as a whole. */
export interface FullScreen {
  size(): { columns: number; rows: number };
  write(text: string): void;
  /**
   * Takes the whole terminal: another page, no cursor, keys as they are pressed.
   * @returns gives it back as it was; also done when the process ends before.
   */
  enter(on: { key: (key: string) => void; resize: () => void }): () => void;
}

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
  /** Absent: there is no terminal for both what is read and what is shown, or one that cannot move its cursor. */
  screen?: FullScreen | undefined;
  /** Opens an address in a browser. Absent: there is none. @returns false: it could not be begun. */
  openBrowser?: ((address: string) => boolean) | undefined;
  /** All of standard input. */
  readInput(): Promise<string>;
  /** One line of standard input; undefined: it has ended. */
  readLine(): Promise<string | undefined>;
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  fetch: typeof fetch;
}
