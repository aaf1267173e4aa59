import type { LineWord } from './evaluating.js';

/** A here-document whose operator has been read and whose body starts after the line. */
export interface Heredoc {
  readonly delimiter: string;
  /** The delimiter is quoted: the shell expands nothing in the body. */
  readonly quoted: boolean;
  /** `<<-`: leading tabs are removed from the lines. */
  readonly stripsTabs: boolean;
  /** Where the operator stands. */
  readonly at: number;
  /** The words on its line; complete once the line has ended. */
  readonly line: readonly LineWord[];
  /** The words before it where it stands behind a compound command, whose parts may read it. */
  readonly enclosed: readonly LineWord[];
}

/** Where a here-document's body ends and where the text after its delimiter line starts. */
export interface HeredocBody {
  readonly end: number;
  readonly next: number;
}

/**
 * Finds the end of a here-document.
 *
 * @returns undefined when there is no delimiter line, or when a line is one to some shells only: shells
 *   disagree whether a backslash at the end of a line or the delimiter on the next comes first.
 */
export function findHeredocEnd(
  code: string,
  start: number,
  limit: number,
  heredoc: Heredoc,
): HeredocBody | undefined {
  let continued: string | undefined;
  for (let lineStart = start; lineStart < limit; ) {
    const lineBreak = code.indexOf('\n', lineStart);
    const lineEnd = lineBreak < 0 || lineBreak >= limit ? limit : lineBreak;
    const next = Math.min(lineEnd + 1, limit);
    const line = code.slice(lineStart, lineEnd);
    const matches = (text: string) =>
      (heredoc.stripsTabs ? text.replace(/^\t+/, '') : text) === heredoc.delimiter;
    // Inside $(...) bash takes the delimiter with the closing parenthesis for the end.
    if (line.includes(')') && matches(line.slice(0, line.indexOf(')')))) return undefined;
    if (continued === undefined) {
      if (matches(line)) return { end: lineStart, next };
    } else if (matches(line) || matches(continued + line) || matches(continued + line.replace(/^\t+/, ''))) {
      return undefined;
    }
    const continues = !heredoc.quoted && /(^|[^\\])(\\\\)*\\$/.test(line);
    continued = continues ? (continued ?? '') + line.slice(0, -1) : undefined;
    lineStart = next;
  }
  return undefined;
}
