import { createHash } from 'node:crypto';
import { type Certificate, certificateProblem } from './certificate.js';
import type { KnownKeys } from './known-hosts.js';
import { SshReader } from './ssh-wire.js';

/** What to do with the key of a node without a known key: learn it, or refuse the node. */
export type HostKeyPolicy = 'accept-new' | 'strict';

/** The host key that a server showed. */
export interface ShownHostKey {
  /** `ssh-ed25519 AAAA…`; for a certificate, the certified key. */
  key: string;
  certificate?: Certificate;
}

/**
 * The judgement of a host key; see `judgeHostKey`. `certificate`: why the certificate that the server showed does not
 * count.
 */
export type HostKeyJudgement =
  | { kind: 'known' | 'learned' }
  | { kind: 'unknown'; certificate?: string }
  | { kind: 'revoked'; what: 'key' | 'authority' }
  | { kind: 'changed'; expected: string[]; certificate?: string };

/** The facts by which a host key is judged. */
export interface HostKeyTrust {
  /** The host name of the connection, as given. */
  host: string;
  /** The key that was learned earlier. It goes before the keys of the known hosts, but not before their authorities. */
  pinned: string | undefined;
  known: KnownKeys;
  policy: HostKeyPolicy;
  /** Milliseconds since 1970. */
  now: number;
}

/**
 * Whether to trust a host key, as ssh does: never if it is revoked, always with a valid certificate, else only if the
 * key is right.
 */
export function judgeHostKey(shown: ShownHostKey, trust: HostKeyTrust): HostKeyJudgement {
  const { pinned, known, policy } = trust;
  const revoked = revokedFor(shown, known);
  if (revoked) return { kind: 'revoked', what: revoked };
  const problem = shown.certificate && problemWith(shown.certificate, trust);
  if (shown.certificate && problem === undefined) return { kind: 'known' };
  const why = problem === undefined ? {} : { certificate: problem };
  const expected = pinned === undefined ? known.keys : [normalizeHostKey(pinned)];
  if (expected.includes(shown.key)) return { kind: 'known' };
  if (expected.length > 0) return { kind: 'changed', expected, ...why };
  // As in ssh, entries for the name without the port can confirm a key, but a different key there contradicts nothing.
  if (known.withoutPort?.keys.includes(shown.key)) return { kind: 'known' };
  return policy === 'accept-new' ? { kind: 'learned' } : { kind: 'unknown', ...why };
}

/**
 * The part that is revoked: the key or the authority. A revocation for the name without the port counts too, unless the
 * file trusts it under the name with the port. (There ssh, if it may learn keys, warns and learns the key.)
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

/** Why a certificate does not count; undefined if it does. */
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
