import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type OnceKey, show } from '@rigel/contracts';
import { WrongHeader } from '../failures.js';

/*
 * The header Idempotency-Key, by which a client names a request that it may repeat: a string of 1 to 255 printable
 * ASCII characters, bare or in quotation marks.
 */

/** The header by which a client names a request that it may repeat. */
export const IDEMPOTENCY_KEY = 'Idempotency-Key';
const HEADER = IDEMPOTENCY_KEY.toLowerCase();
/** The header of an answer that was given before, under the same key. */
export const REPLAYED = 'Idempotent-Replayed';

export const MAX_KEY = 255;

export const NO_KEY_HERE =
  'Idempotency-Key is not taken here: to repeat this request would do it again. Leave it out, and look at the task before ' +
  'you repeat it';

/** A string as structured fields write it (RFC 8941). */
const QUOTED = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/;
const PRINTABLE = /^[ -~]*$/;

/**
 * The key that a request names, bare or in quotation marks; undefined when it names none.
 * @throws WrongHeader
 */
export function readIdempotencyKey({
  headers,
  rawHeaders,
}: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): string | undefined {
  const header = headers[HEADER];
  if (header === undefined) return undefined;
  // Node joins several headers into one.
  const times = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === HEADER).length;
  if (times > 1 || typeof header !== 'string') throw wrong('comes more than once');
  const text = header.trim();
  const quoted = QUOTED.exec(text)?.[1];
  if (quoted === undefined && text.startsWith('"'))
    throw wrong(`has quotation marks that do not match (got ${show(text)})`);
  const key = quoted?.replaceAll(/\\(.)/g, '$1') ?? text;
  if (!PRINTABLE.test(key)) throw wrong('must have printable ASCII characters only');
  if (key === '') throw wrong('is empty');
  if (key.length > MAX_KEY) throw wrong(`must have at most ${MAX_KEY} characters, not ${key.length}`);
  return key;
}

function wrong(what: string): WrongHeader {
  return new WrongHeader(
    `the header ${IDEMPOTENCY_KEY} ${what}: a key is 1 to ${MAX_KEY} printable ASCII characters, as they are or in quotation marks`,
  );
}

/** The request that a key belongs to. */
export interface KeyScope {
  operator: string;
  method: string;
  /** The route, with the names of the parameters in its path. */
  route: string;
  /** The parameters that the request gives, including those in its path. */
  given: Readonly<Record<string, unknown>>;
}

/**
 * Names a request to the service that carries it out. The same key from two operators, or for two addresses or methods,
 * names two requests. Only the values of the given parameters count, not their places or the spelling of numbers.
 * Defaults do not count, because the next release may have others.
 */
export function onceKeyOf(key: string, { operator, method, route, given }: KeyScope): OnceKey {
  const inPath = [...route.matchAll(/:(\w+)/g)].map(([, name = '']) => given[name]);
  return { key: hash([operator, method, route, inPath, key]), request: hash(given) };
}

/** SHA-256 of a JSON value, independent of the order of its objects' keys. */
function hash(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join()}}`;
}
