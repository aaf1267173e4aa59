import { createHash } from 'node:crypto';
import { type Certificate, certificateProblem } from './certificate.js';
import type { KnownKeys } from './known-hosts.js';
import { SshReader } from './ssh-wire.js';

/** How a node that nobody has seen before is treated: learn its key, or refuse it. */
export type HostKeyPolicy = 'accept-new' | 'strict';

/** What a server showed. */
export interface ShownHostKey {
  /** `ssh-ed25519 AAAA…`; of a certificate the key that it is about. */
  key: string;
  certificate?: Certificate;
}

/** What is to be made of a host key; see `judgeHostKey`. `certificate`: why the one that was shown does not count. */
export type HostKeyVerdict =
  | { kind: 'known' | 'learned' }
  | { kind: 'unknown'; certificate?: string }
  | { kind: 'revoked'; what: 'key' | 'authority' }
  | { kind: 'changed'; expected: string[]; certificate?: string };

/** What a host key is judged by. */
export interface HostKeyTrust {
  /** The name connected to, as given. */
  host: string;
  /** The key that was learned earlier. It stands above the keys of the known hosts, not above what they say of authorities. */
  pinned: string | undefined;
  known: KnownKeys;
  policy: HostKeyPolicy;
  /** Milliseconds since 1970. */
  now: number;
}

/** Whether to trust a host key, as ssh would: what is revoked never, a certificate that holds always, else the key must be right. */
export function judgeHostKey(shown: ShownHostKey, trust: HostKeyTrust): HostKeyVerdict {
  const { pinned, known, policy } = trust;
  const revoked = revokedFor(shown, known);
  if (revoked) return { kind: 'revoked', what: revoked };
  const problem = shown.certificate && problemWith(shown.certificate, trust);
  if (shown.certificate && problem === undefined) return { kind: 'known' };
  const why = problem === undefined ? {} : { certificate: problem };
  const expected = pinned === undefined ? known.keys : [normalizeHostKey(pinned)];
  if (expected.includes(shown.key)) return { kind: 'known' };
  if (expected.length > 0) return { kind: 'changed', expected, ...why };
  // The name without the port may only say that a key is right, as with ssh: another key of it is no contradiction.
  if (known.withoutPort?.keys.includes(shown.key)) return { kind: 'known' };
  return policy === 'accept-new' ? { kind: 'learned' } : { kind: 'unknown', ...why };
}

/**
 * What of it is revoked. A revocation for the name without the port counts too, unless the file trusts it by the name with the
 * port. (There ssh, told to learn keys, warns and learns the key.)
 */
function revokedFor(shown: ShownHostKey, known: KnownKeys): 'key' | 'authority' | undefined {
  const { key, certificate } = shown;
  const isTrusted =
    known.keys.includes(key) || (certificate && known.authorities.includes(certificate.authority));
  return (
    revokedBy(shown, known) ??
    (known.withoutPort && !isTrusted ? revokedBy(shown, known.withoutPort) : undefined)
  );
}

function revokedBy({ key, certificate }: ShownHostKey, { revoked }: KnownKeys) {
  if (revoked.includes(key)) return 'key' as const;
  if (certificate && revoked.includes(certificate.authority)) return 'authority' as const;
  return undefined;
}

/** Why a certificate does not count; undefined when it does. */
function problemWith(certificate: Certificate, { host, known, now }: HostKeyTrust): string | undefined {
  const { authority } = certificate;
  const authorities = [...known.authorities, ...(known.withoutPort?.authorities ?? [])];
  if (!authorities.includes(authority))
    return `is of an authority that is not known (${hostKeyFingerprint(authority)})`;
  return certificateProblem(certificate, { kind: 'host', name: host.toLowerCase(), now });
}

/** A raw host key as it travels in SSH, written `ssh-ed25519 AAAA…`. */
export function formatHostKey(raw: Buffer): string {
  return `${new SshReader(raw).text()} ${raw.toString('base64')}`;
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

/** Drops a trailing comment, so that a key copied from a file compares equal. */
function normalizeHostKey(key: string): string {
  return key.trim().split(/\s+/).slice(0, 2).join(' ');
}
