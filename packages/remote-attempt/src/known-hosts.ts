import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { SshReader } from './ssh-wire.js';

/** The entries of a known_hosts file for one host; keys as `ssh-ed25519 AAAA…`. */
export interface KnownKeys {
  /** The host's keys, of one type or several. */
  keys: string[];
  /** Authorities (`@cert-authority`) whose certificates it may show instead. */
  authorities: string[];
  /** Keys (`@revoked`) that it must not show, nor certificates of these authorities. */
  revoked: string[];
  /**
   * For another port than 22: the entries for the name without a port, which ssh reads if there are none for the name
   * with it.
   */
  withoutPort?: KnownKeys;
}

/** Looks up the entries of a host. */
export type KnownHostsLookup = (host: string, port: number) => KnownKeys;

export const NOTHING_KNOWN: KnownKeys = { keys: [], authorities: [], revoked: [] };

const DEFAULT_PORT = 22;
/** The types of keys that ssh reads; it ignores lines with other types. */
const KEY_TYPE =
  /^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)$/;
const LISTS: Record<string, 'authorities' | 'revoked'> = {
  '@cert-authority': 'authorities',
  '@revoked': 'revoked',
};

interface Entry {
  matches: (name: string) => boolean;
  list: 'keys' | 'authorities' | 'revoked';
  key: string;
}

/** The content of a known_hosts file. */
export interface KnownHosts {
  lookup: KnownHostsLookup;
  /** The numbers, from 1, of the lines that make no sense; like ssh, the look-up ignores them. */
  wrongLines: number[];
}

/**
 * Reads the text of a known_hosts file as ssh does: names with `*` and `?`, `!` before an excluded name, lists with
 * commas, `[host]:port`, hashed names, and the markers `@revoked` and `@cert-authority`.
 */
export function parseKnownHosts(text: string): KnownHosts {
  const entries: Entry[] = [];
  const wrongLines: number[] = [];
  text.split('\n').forEach((line, index) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const entry = readLine(trimmed);
    if (entry) entries.push(entry);
    else wrongLines.push(index + 1);
  });
  const ofName = (name: string): KnownKeys => {
    const known: KnownKeys = { keys: [], authorities: [], revoked: [] };
    for (const entry of entries) if (entry.matches(name)) known[entry.list].push(entry.key);
    return known;
  };
  const lookup: KnownHostsLookup = (host, port) => {
    const name = host.toLowerCase();
    if (port === DEFAULT_PORT) return ofName(name);
    return { ...ofName(`[${name}]:${port}`), withoutPort: ofName(name) };
  };
  return { lookup, wrongLines };
}

/**
 * The known hosts in a file. A changed file is read again, so a key that is revoked there is refused from then on.
 * While the file cannot be read, its last content counts.
 * @throws the error of reading it the first time.
 */
export function knownHostsFile(file: string): KnownHosts {
  let version = versionOf(file);
  const known = parseKnownHosts(readFileSync(file, 'utf8'));
  let { lookup } = known;
  return {
    wrongLines: known.wrongLines,
    lookup: (host, port) => {
      try {
        const now = versionOf(file);
        if (now !== version) {
          ({ lookup } = parseKnownHosts(readFileSync(file, 'utf8')));
          version = now;
        }
      } catch {
        // The file is being replaced, or gone.
      }
      return lookup(host, port);
    },
  };
}

function versionOf(file: string): string {
  const { mtimeNs, size, ino } = statSync(file, { bigint: true });
  return `${mtimeNs} ${size} ${ino}`;
}

function readLine(line: string): Entry | undefined {
  const fields = line.split(/\s+/);
  let list: Entry['list'] = 'keys';
  if (fields[0]?.startsWith('@')) {
    const marked = LISTS[fields.shift() ?? ''];
    if (marked === undefined) return undefined;
    list = marked;
  }
  const [names = '', type = '', base64 = ''] = fields;
  if (names.startsWith('@') || !KEY_TYPE.test(type) || !isKeyOf(type, base64)) return undefined;
  const matches = names.startsWith('|') ? hashedName(names) : namePatterns(names);
  return matches && { matches, list, key: `${type} ${base64}` };
}

function isKeyOf(type: string, base64: string): boolean {
  const blob = Buffer.from(base64, 'base64');
  try {
    const reader = new SshReader(blob);
    if (reader.text() !== type) return false;
    // Every key has parts, and ends with the last of them.
    while (!reader.atEnd) if (reader.string().length === 0) return false;
    return blob.length > 4 + type.length && blob.toString('base64') === base64;
  } catch {
    return false;
  }
}

/** `|1|salt|hash`: HMAC-SHA1 of the name. */
function hashedName(text: string): Entry['matches'] | undefined {
  const [, kind, salt, hash, ...more] = text.split('|');
  const expected = Buffer.from(hash ?? '', 'base64');
  const saltBytes = Buffer.from(salt ?? '', 'base64');
  if (kind !== '1' || more.length > 0 || expected.length !== 20 || saltBytes.length !== 20) return undefined;
  return (name) => timingSafeEqual(createHmac('sha1', saltBytes).update(name).digest(), expected);
}

function namePatterns(names: string): Entry['matches'] {
  const patterns = names.toLowerCase().split(',');
  const unwanted = patterns.flatMap((one) => (one.startsWith('!') ? [one.slice(1)] : []));
  const wanted = patterns.filter((one) => !one.startsWith('!'));
  return (name) =>
    wanted.some((pattern) => matchesPattern(name, pattern)) &&
    !unwanted.some((pattern) => matchesPattern(name, pattern));
}

/** Whether a text matches a pattern in which `*` stands for any text and `?` for one character. */
function matchesPattern(text: string, pattern: string): boolean {
  // By hand: a regular expression made of `*a*a*a*…` could take for ever. Going back to the last * is enough.
  let [at, p] = [0, 0];
  let star = -1;
  let mark = 0;
  while (at < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      mark = at;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[at])) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++mark;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
