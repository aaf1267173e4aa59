import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';

const hostKeyAlgorithms: ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'ssh-rsa',
];

/**
 * The algorithms we offer, cheapest first: the handshake is most of what a short step costs. The later ones are there
 * for old and for hardened servers.
 *
 * A server picks the first host key algorithm of our list that it has a key for, so the types of the keys we expect
 * go first: else a node known by its RSA key would answer with its ed25519 key and look changed.
 */
export function offeredAlgorithms(expectedHostKeyTypes: string[]): Algorithms {
  const expected = hostKeyAlgorithms.filter((algorithm) =>
    expectedHostKeyTypes.includes(algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm),
  );
  const others = hostKeyAlgorithms.filter((algorithm) => !expected.includes(algorithm));
  return {
    serverHostKey: [...expected, ...others],
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
      'diffie-hellman-group14-sha1',
    ],
    cipher: [
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'chacha20-poly1305@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
    ],
  };
}
