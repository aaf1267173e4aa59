import { createPublicKey } from 'node:crypto';
import ssh2, {
  type Algorithms,
  type CipherAlgorithm,
  type KexAlgorithm,
  type MacAlgorithm,
  type ServerHostKeyAlgorithm,
} from 'ssh2';

/** `modern`: no SHA-1, no CBC, and no RSA key under 2,048 bits. `legacy`: these too, for old servers. */
export type AlgorithmSet = 'modern' | 'legacy';

/** RSA keys of fewer bits can be broken. */
const FEWEST_RSA_BITS = 2_048;

/*
 * The algorithms that the client offers, cheapest first: the handshake is most of the cost of a short step. The later
 * ones are for old and for hardened servers.
 */
const modern = {
  hostKey: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ] satisfies ServerHostKeyAlgorithm[] as ServerHostKeyAlgorithm[],
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group14-sha256',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
    'diffie-hellman-group-exchange-sha256',
  ] satisfies KexAlgorithm[] as KexAlgorithm[],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ] satisfies CipherAlgorithm[] as CipherAlgorithm[],
  hmac: [
    'hmac-sha2-256-etm@openssh.com',
    'hmac-sha2-512-etm@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-512',
  ] satisfies MacAlgorithm[] as MacAlgorithm[],
};

/** The algorithms that `legacy` adds. */
const old: typeof modern = {
  hostKey: ['ssh-rsa'],
  kex: ['diffie-hellman-group-exchange-sha1', 'diffie-hellman-group14-sha1', 'diffie-hellman-group1-sha1'],
  cipher: ['aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'],
  hmac: ['hmac-sha1-etm@openssh.com', 'hmac-sha1'],
};

/**
 * The algorithms to offer a server. The server picks the first host key algorithm of the list for which it has a key,
 * so the types of the expected keys come first: otherwise a node with a known RSA key would show its ed25519 key and
 * seem changed.
 */
export function offeredAlgorithms(expectedHostKeyTypes: string[], set: AlgorithmSet = 'modern'): Algorithms {
  const more = set === 'legacy' ? old : { hostKey: [], kex: [], cipher: [], hmac: [] };
  const hostKeys = [...modern.hostKey, ...more.hostKey];
  const expected = hostKeys.filter((algorithm) =>
    expectedHostKeyTypes.includes(algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm),
  );
  return {
    serverHostKey: [...expected, ...hostKeys.filter((algorithm) => !expected.includes(algorithm))],
    kex: [...modern.kex, ...more.kex],
    cipher: [...modern.cipher, ...more.cipher],
    hmac: [...modern.hmac, ...more.hmac],
  };
}

/** Whether `legacy` allows this algorithm and `modern` does not. */
export function isLegacyAlgorithm(name: string): boolean {
  return Object.values(old).some((names: readonly string[]) => names.includes(name));
}

/** The way out, in messages about old servers. */
export const LEGACY_HINT =
  'where it cannot be renewed, RIGEL_SSH_ALGORITHMS=legacy, or "algorithms": "legacy" in a profile, allows it';

/** Why an RSA key is too weak; undefined if it is not, and for keys of other types. */
export function weakKeyProblem(key: string): string | undefined {
  if (!key.startsWith('ssh-rsa ')) return undefined;
  const parsed = ssh2.utils.parseKey(key);
  if (parsed instanceof Error) return undefined;
  const bits = createPublicKey(parsed.getPublicPEM()).asymmetricKeyDetails?.modulusLength ?? 0;
  return bits >= FEWEST_RSA_BITS
    ? undefined
    : `an RSA key of ${bits} bits, and ${FEWEST_RSA_BITS} are the least`;
}
