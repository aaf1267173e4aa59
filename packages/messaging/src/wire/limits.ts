/*
 * What a process takes from the wire at most. Whoever is on the other side may be of another release, out of order, or no part of the
 * system at all: a limit is far above what any honest sender sends, and far below what would hurt.
 */

/** Requests in a message: about what the scheduler commits at once, and its answers fit into a message too. */
export const MAX_REQUESTS = 500;

/** Bytes of one request: the whole output of an attempt, in base64, where RIGEL_OUTPUT_LIMIT is as high as it goes. */
export const MAX_REQUEST_BYTES = 96 * 1_048_576;
/** Bytes of one answer. */
export const MAX_ANSWER_BYTES = 256 * 1_048_576;

/** Bytes of large requests that a process fetches at the same time. */
export const REQUESTS_IN_FLIGHT_BYTES = 256 * 1_048_576;
/** Bytes of large requests and answers that a process keeps at the same time until others have fetched them. */
export const KEPT_BYTES = 512 * 1_048_576;

/** Values in one request, and in one answer. */
export const MAX_REQUEST_VALUES = 1_000_000;
export const MAX_ANSWER_VALUES = 10_000_000;
/** Lists and objects in each other: whoever walks them by recursion has room for some thousands. */
export const MAX_DEPTH = 128;

/** A number of bytes, or whatever, that all users share. */
export class Budget {
  private used = 0;

  constructor(private readonly total: number) {}

  /** Takes some of it. @returns false when there is not so much. */
  take(amount: number): boolean {
    if (this.used + amount > this.total) return false;
    this.used += amount;
    return true;
  }

  giveBack(amount: number): void {
    this.used -= amount;
  }
}
