import {
  publicFacts,
  REFUSALS,
  type Refusal,
  type RefusalFacts,
  type ServiceErrorCode,
  type Thing,
} from './refusals.js';

/**
 * A refusal that services send to their callers. `message` is for people: it names the value, without quotes or
 * backslashes.
 */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  /** The kind of the refusal, which decides the status of the HTTP API. */
  readonly code: ServiceErrorCode;
  readonly facts: RefusalFacts;

  constructor(
    /** Why, for programs; a kind where no reason of the list says more. */
    readonly reason: Refusal,
    message: string,
    /** Name of the wrong field, as the HTTP API spells it. */
    readonly field?: string,
    facts: RefusalFacts = {},
  ) {
    super(message);
    this.code = REFUSALS[reason];
    this.facts = publicFacts(field, facts);
  }
}

/** The refusal of an id that nothing has. `field` names it where it is not the id of what the request is about. */
export function noSuch(kind: Thing, id: number, message: string, field?: string): ServiceError {
  return new ServiceError('not_found', message, field, { value: id, data: { kind } });
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
