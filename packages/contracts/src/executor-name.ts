import { createHash, randomBytes } from 'node:crypto';
import { Type } from 'typebox';

/*
 * All executors share one NATS user, so a message does not show which executor sent it. Therefore each process makes a
 * key of 128 random bits when it starts, and its name ends in a digest of that key: `executor-1-<26 characters>`. A
 * message under the name shows the key, which only schedulers receive. A claim records the name. So the history shows
 * which key may end the lease, and does not contain the key. Names of executors of an earlier release end in six
 * hexadecimal digits; they have no key.
 */

/** A name is a word of a NATS subject, so it has neither blanks nor wildcards. */
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
/** 130 bits: nobody can find another key with the same digest. */
const DIGEST_CHARACTERS = 26;
const NAME_WITH_DIGEST = /-([a-z2-7]{26})$/;
/** Characters used of the name that people gave. */
const GIVEN_CHARACTERS = 100;
/** Digests that a process remembers: each executor sends its key thousands of times. */
const REMEMBERED = 4_096;

const digests = new Map<string, string>();
/** The digest in each name, empty if there is none. Kept, because each step needs it. */
const names = new Map<string, string>();

/**
 * @param given the name that people know the process by. Characters that a subject must not contain become `-`.
 * @param key default: a new one.
 */
export function newExecutor(
  given: string,
  key = randomBytes(KEY_BYTES).toString('base64url'),
): { name: string; key: string } {
  const word = given.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, GIVEN_CHARACTERS);
  return { name: `${word}-${digestOf(key)}`, key };
}

/** Whether an executor of this name has a key; one of an earlier release has none. */
export function hasKey(name: string): boolean {
  return digestIn(name) !== undefined;
}

/** The digest at the end of a name; undefined in a name of an earlier release. */
function digestIn(name: string): string | undefined {
  const known = names.get(name);
  if (known !== undefined) return known === '' ? undefined : known;
  const digest = NAME_WITH_DIGEST.exec(name)?.[1];
  if (names.size >= REMEMBERED) names.clear();
  names.set(name, digest ?? '');
  return digest;
}

/** Whether a message with this key may speak for the executor. For an executor without a key every message may. */
export function speaksFor(name: string, key: string | undefined): boolean {
  const digest = digestIn(name);
  return digest === undefined || (key !== undefined && digestOf(key) === digest);
}

function digestOf(key: string): string {
  const known = digests.get(key);
  if (known !== undefined) return known;
  const digest = base32(createHash('sha256').update(`rigel executor ${key}`).digest(), DIGEST_CHARACTERS);
  // Invented keys may push out the real ones, which then cost a hash once more.
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
