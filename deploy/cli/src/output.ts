import { escapedLine } from '@rigel/contracts';

/** Where a command writes, line by line: its result (`out`), and notes for a person who waits (`note`). */
export interface Output {
  out: (line: string) => void;
  note: (line: string) => void;
}

/**
 * An output whose lines cannot control the terminal. Names, reasons and the output of commands come from users and nodes. A
 * terminal would obey control characters in them, and show a line with reversed text as another one. They are escaped as in JSON,
 * so that a line of JSON says the same to a program.
 */
export function plainOutput({ out, note }: Output): Output {
  return { out: (line) => out(escapedLine(line)), note: (line) => note(escapedLine(line)) };
}

const FIRST_MS = 3_000;
const EVERY_MS = 2_000;

/** Notes the progress of work that takes long, every few seconds. */
export function progressOf(what: string, { note }: Output): (events: number) => void {
  let next = Date.now() + FIRST_MS;
  return (events) => {
    if (Date.now() < next) return;
    next = Date.now() + EVERY_MS;
    note(`${what}: ${events} events so far`);
  };
}
