/*
 * The most that a process takes from the wire. The other side may be of another release, broken, or no part of the
 * system at all. Each limit is far above what an honest sender sends, and far below what would hurt.
 */

/** Requests in a message: about what the scheduler commits at once. Their answers fit into one message too. */
export const MAX_REQUESTS = 500;

/** Bytes of one request: the whole output of an attempt in base64, with the highest possible RIGEL_OUTPUT_LIMIT. */
export const MAX_REQUEST_BYTES = 96 * 1_048_576;
/** Bytes of one answer. */
export const MAX_ANSWER_BYTES = 256 * 1_048_576;

/** Bytes of large requests that a process may be fetching at one time. */
export const REQUESTS_IN_FLIGHT_BYTES = 256 * 1_048_576;
/** Bytes of large requests and answers that a process keeps at one time until others have fetched them. */
export const KEPT_BYTES = 512 * 1_048_576;

/** Values in one request, and in one answer. */
export const MAX_REQUEST_VALUES = 1_000_000;
export const MAX_ANSWER_VALUES = 10_000_000;
/** Nested lists and objects. A recursive function has stack for some thousands. */
export const MAX_DEPTH = 128;

/** An amount, such as a number of bytes, that all users share. */
export class Budget {
  private used = 0;

  constructor(private readonly total: number) {}

  /** Takes an amount. @returns false if less than that is left; then it takes nothing. */
  take(amount: number): boolean {
    if (this.used + amount > this.total) return false;
    this.used += amount;
    return true;
  }

  giveBack(amount: number): void {
    this.used -= amount;
  }
}
