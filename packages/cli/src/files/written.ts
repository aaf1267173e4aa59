import type { Place } from './mistakes.js';
import type { Kind } from './schema.js';

/** A document while it is checked. */
export interface Written {
  kind: Kind;
  data: Record<string, unknown>;
  /**
   * Reports a mistake at a field (`steps.0.retries`); a field that is not there: at its parent.
   * @param lineOfText of a text of several lines, from 1.
   */
  report(path: string, message: string, lineOfText?: number): undefined;
  /** The script of a file. @throws Error */
  script(path: string): string;
  place: Place;
  lineOf(path: string): number;
}
