/**
 * What a failed call means for the caller:
 * - `refused`: the provider said no; the same call would be refused again. Nothing was done.
 * - `throttled`: the provider wants fewer calls; nothing was done, and the call may be made again later.
 * - `unavailable`: the provider was not reached, or not ready; nothing was done, and the call may be made again.
 * - `unknown`: whether it was done cannot be known.
 */
export type ProviderErrorKind = 'refused' | 'throttled' | 'unavailable' | 'unknown';

/** A call to a provider failed. The message is for an operator: one line, without secrets. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';

  constructor(
    readonly kind: ProviderErrorKind,
    message: string,
    /** The pause that the provider asks for, in milliseconds. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}
