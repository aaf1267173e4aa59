import { createHash, randomBytes } from 'node:crypto';
import { Type } from 'typebox';

/*
 * All executors speak to the schedulers as one user of NATS, so a message does not show who sent it. Therefore each process makes a key of
 * 128 random bits when it starts, and its name ends in a digest of that key: `executor-1-<26 characters>`. Whoever speaks for the name shows
 * the key, which only schedulers hear; and since a claim records the name, everybody knows for ever by which key the lease may be ended,
 * and nobody knows the key. Names of the release before end in six hexadecimal digits and have no key.
 */

/** A name becomes a word of a subject of NATS, so it holds neither blanks nor wildcards. */
export const ExecutorName = Type.String({
  pattern: '^[!-)+-=?-~]+$',
  maxLength: 200,
  description: 'the name of an executor: at most 200 visible ASCII characters without * and >.',
});

/** 128 random bits in base64url. */
export const ExecutorKey = Type.String({
  pattern: '^[A-Za-z0-9_-]{22}$',
  maxLength: 22,
  description: 'the key of an executor: 22 characters of base64url.',
});

const KEY_BYTES = 16;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
/** 130 bits: no other key with the same digest is found. */
const DIGEST_CHARACTERS = 26;
const NAME_WITH_DIGEST = /-([a-z2-7]{26})$/;
/** Of the name that people gave it; the rest only makes it longer. */
const GIVEN_CHARACTERS = 100;
/** Digests remembered: each executor says its key thousands of times. */
const REMEMBERED = 4_096;

const digests = new Map<string, string>();
/** The digest in each name, empty where there is none: they are looked at for each step. */
const names = new Map<string, string>();

/**
 * @param given the name that people know the process by; what cannot stand in a subject becomes `-`
 * @param key default: a new one
 */
export function newExecutor(
  given: string,
  key = randomBytes(KEY_BYTES).toString('base64url'),
): { name: string; key: string } {
  const word = given.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, GIVEN_CHARACTERS);
  return { name: `${word}-${digestOf(key)}`, key };
}

/** Whether an executor of this name has a key; one of the release before has none. */
export function hasKey(name: string): boolean {
  return digestIn(name) !== undefined;
}

/** The digest with which a name ends; undefined in one of the release before. */
function digestIn(name: string): string | undefined {
  const known = names.get(name);
  if (known !== undefined) return known === '' ? undefined : known;
  const digest = NAME_WITH_DIGEST.exec(name)?.[1];
  if (names.size >= REMEMBERED) names.clear();
  names.set(name, digest ?? '');
  return digest;
}

/** Whether whoever shows this key may speak for the executor. Anybody may for one of the release before, which has no key. */
export function speaksFor(name: string, key: string | undefined): boolean {
  const digest = digestIn(name);
  return digest === undefined || (key !== undefined && digestOf(key) === digest);
}

function digestOf(key: string): string {
  const known = digests.get(key);
  if (known !== undefined) return known;
  const digest = base32(createHash('sha256').update(`rigel executor ${key}`).digest(), DIGEST_CHARACTERS);
  // Made-up keys push out the real ones, which then cost a hash once more.
  if (digests.size >= REMEMBERED) digests.clear();
  digests.set(key, digest);
  return digest;
}

function base32(bytes: Buffer, characters: number): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5 && text.length < characters; bits -= 5) {
      text += BASE32[(held >> (bits - 5)) & 31];
    }
    held &= (1 << bits) - 1;
    if (text.length === characters) break;
  }
  return text;
}
