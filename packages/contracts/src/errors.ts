/**
 * Why a service refused an operation. The gateway converts each code to the status and text that the HTTP API documents
 * for the endpoint.
 *
 * - `invalid`: a value is missing or wrong (`field` names it)
 * - `not_found`: the thing itself, or one that `field` refers to, does not exist
 * - `conflict`: a unique name or address is taken
 * - `in_use`: other things still depend on the thing
 * - `wrong_state`: the state of the thing does not allow it
 * - `key_reused`: the key of the request was used for another request, see `onceOf`
 * - `unavailable`: the database or another service does not answer; trying again later may work
 * - `internal`: a fault in Rigel
 */
export type ServiceErrorCode =
  | 'invalid'
  | 'not_found'
  | 'conflict'
  | 'in_use'
  | 'wrong_state'
  | 'key_reused'
  | 'unavailable'
  | 'internal';

/**
 * A refusal that services send to their callers. `message` is for people: it names the value, without quotes or
 * backslashes.
 */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';

  constructor(
    readonly code: ServiceErrorCode,
    message: string,
    /** Name of the wrong field, as the HTTP API spells it. */
    readonly field?: string,
  ) {
    super(message);
  }
}

/** A value of a request for use in a message: shortened, and without characters that messages must not contain. */
export function show(value: unknown): string {
  // JSON.stringify makes null of a number that is too large.
  const isText = typeof value === 'string' || typeof value === 'number';
  const text = isText ? String(value) : (JSON.stringify(value) ?? String(value));
  const clean = text
    .slice(0, 200)
    .replace(/["\\]/g, "'")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/gu, ' ')
    // Half of a surrogate pair cannot be sent as UTF-8.
    .replace(/\p{Surrogate}/gu, '?');
  const characters = Array.from(clean);
  return characters.length > 80 ? `${characters.slice(0, 77).join('')}...` : characters.join('');
}
