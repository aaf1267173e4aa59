import { escapedLine } from '@rigel/contracts';

/** Where a command writes, line by line: what was asked for, and what a person who waits should know. */
export interface Output {
  out: (line: string) => void;
  note: (line: string) => void;
}

/**
 * An output that no line does more to than to stand there. Names, reasons and what commands printed come from users and nodes; a
 * terminal would obey the controls in them, and show a line that turns around as another one. They are escaped as in JSON, so that
 * a line of JSON says the same to a program.
 */
export function plainOutput({ out, note }: Output): Output {
  return { out: (line) => out(escapedLine(line)), note: (line) => note(escapedLine(line)) };
}

const FIRST_MS = 3_000;
const EVERY_MS = 2_000;

/** Notes how far something has come, when it takes long, and not too often. */
export function progressOf(what: string, { note }: Output): (events: number) => void {
  let next = Date.now() + FIRST_MS;
  return (events) => {
    if (Date.now() < next) return;
    next = Date.now() + EVERY_MS;
    note(`${what}: ${events} events so far`);
  };
}
