/** Where a command writes: what was asked for, and what a person who waits should know. */
export interface Output {
  out: (line: string) => void;
  note: (line: string) => void;
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
