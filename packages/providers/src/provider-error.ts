/**
 * What a failed call means for the caller:
 * - `refused`: the provider said no; the same call would be refused again. Nothing was done.
 * - `throttled`: it wants fewer calls; nothing was done, and the call may be made again later.
 * - `unavailable`: it was not reached, or not ready; nothing was done, and the call may be made again.
 * - `unknown`: nobody can tell whether it was done.
 */
export type ProviderErrorKind = 'refused' | 'throttled' | 'unavailable' | 'unknown';

/** A call to a provider failed. The message is for an operator: one line, without secrets. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';

  constructor(
    readonly kind: ProviderErrorKind,
    message: string,
    /** How long the provider asks to be left alone, in milliseconds. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}
