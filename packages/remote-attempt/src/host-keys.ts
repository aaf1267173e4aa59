import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** How a node that nobody has seen before is treated: learn its key, or refuse it. */
export type HostKeyPolicy = 'accept-new' | 'strict';

/** Looks up a node's known host keys, each as `ssh-ed25519 AAAA…`; an empty list when there is none. */
export type KnownHostsLookup = (host: string, port: number) => string[];

/** What `judgeHostKey` decided about the key that a node offered. */
export type HostKeyVerdict =
  | { kind: 'known' }
  | { kind: 'learned' }
  | { kind: 'changed'; expected: string[] }
  | { kind: 'unknown' };

/**
 * Decides whether a node's host key is to be trusted. A pinned key (what was learned at first sight) stands above
 * known_hosts; without either, the policy decides.
 */
export function judgeHostKey(
  offered: string,
  trust: { pinned: string | undefined; known: string[]; policy: HostKeyPolicy },
): HostKeyVerdict {
  const expected = trust.pinned === undefined ? trust.known : [trust.pinned];
  if (expected.length === 0) return { kind: trust.policy === 'accept-new' ? 'learned' : 'unknown' };
  return expected.some((key) => normalizeHostKey(key) === offered)
    ? { kind: 'known' }
    : { kind: 'changed', expected };
}

/** A raw host key as it travels in SSH, written `ssh-ed25519 AAAA…`. */
export function formatHostKey(raw: Buffer): string {
  const typeLength = raw.readUInt32BE(0);
  return `${raw.toString('latin1', 4, 4 + typeLength)} ${raw.toString('base64')}`;
}

/** The key's type, for instance `ssh-ed25519`. */
export function hostKeyType(key: string): string {
  return key.trim().split(/\s+/)[0] ?? '';
}

/** The fingerprint as `ssh-keygen -l` prints it: `SHA256:…` without padding. */
export function hostKeyFingerprint(key: string): string {
  const base64 = key.trim().split(/\s+/)[1] ?? '';
  const digest = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

/**
 * Reads the text of a known_hosts file: plain names, `[host]:port`, comma lists and hashed names. Lines with a marker
 * (`@cert-authority`, `@revoked`) and lines that are not understood are ignored, as ssh does.
 */
export function parseKnownHosts(text: string): KnownHostsLookup {
  const entries: { matches: (name: string) => boolean; key: string }[] = [];
  for (const line of text.split('\n')) {
    const [names, type, base64] = line.trim().split(/\s+/);
    if (names === undefined || type === undefined || base64 === undefined) continue;
    if (names.startsWith('#') || names.startsWith('@')) continue;
    entries.push({ matches: nameMatcher(names), key: `${type} ${base64}` });
  }
  return (host, port) => {
    const name = (port === 22 ? host : `[${host}]:${port}`).toLowerCase();
    return entries.filter((entry) => entry.matches(name)).map((entry) => entry.key);
  };
}

/** Drops a trailing comment, so that a key copied from a file compares equal. */
function normalizeHostKey(key: string): string {
  return key.trim().split(/\s+/).slice(0, 2).join(' ');
}

function nameMatcher(names: string): (name: string) => boolean {
  if (names.startsWith('|1|')) {
    const [salt, hash] = names.slice(3).split('|');
    const expected = Buffer.from(hash ?? '', 'base64');
    const saltBytes = Buffer.from(salt ?? '', 'base64');
    return (name) => {
      const actual = createHmac('sha1', saltBytes).update(name).digest();
      return actual.length === expected.length && timingSafeEqual(actual, expected);
    };
  }
  const list = new Set(names.toLowerCase().split(','));
  return (name) => list.has(name);
}
