/**
 * Thrown inside the lexer when it can no longer be sure how every shell reads the text. It is an error only
 * if a parameter is placed there or later.
 */
export class Lost extends Error {
  constructor(
    /** What could not be understood, as a noun phrase. */
    readonly reason: string,
    /** Where, as an index of the scanned code; the lexer's position when absent. */
    readonly at?: number,
    /** The text ends inside a quote or a bracket, so no shell can run it. */
    readonly unterminated = false,
  ) {
    super(reason);
  }
}
