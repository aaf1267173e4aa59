import { createPrivateKey, type KeyObject } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';
import { type Certificate, certificateProblem, readCertificateText } from './certificate.js';
import { hostKeyFingerprint } from './host-keys.js';
import { plainText } from './plain-text.js';
import { sshString } from './ssh-wire.js';

/** A private key as text, with the text of its certificate if there is one. */
export type PrivateKeyText = Buffer | string | { key: Buffer | string; certificate: Buffer | string };

/** The key of a login. */
export interface LoginKey {
  key: ParsedKey;
  /** Its certificate, which the login shows first. */
  certificate?: Certificate;
}

/** The way out for a key in an unsupported form. `ssh-keygen -p` rewrites the file. */
const CONVERT =
  "on a copy of it, `ssh-keygen -p -N '' -f <copy>` writes it in the format of OpenSSH without a passphrase";
const SUPPORTED = 'ed25519, ECDSA (P-256, P-384, P-521) and RSA keys are';

/**
 * Reads a private key without a passphrase, in the format of OpenSSH or in PEM (PKCS#1, SEC 1, PKCS#8), and its
 * certificate.
 * @throws Error that says what is wrong and what to do, without any part of the key.
 */
export function readPrivateKey(text: PrivateKeyText): LoginKey {
  if (typeof text === 'string' || Buffer.isBuffer(text)) return { key: readKey(text.toString()) };
  const key = readKey(text.key.toString());
  const certificate = readCertificateText(text.certificate.toString());
  if (certificate.kind !== 'user') throw new Error('its certificate is one of a host');
  if (certificate.key !== publicKey(key)) throw new Error('its certificate is one of another key');
  return { key, certificate };
}

/** Why a text cannot be used as a private key; undefined if it can. */
export function privateKeyProblem(text: PrivateKeyText): string | undefined {
  try {
    readPrivateKey(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The public key of a private one, `ssh-ed25519 AAAA…`. @throws Error as `readPrivateKey`. */
export function publicKeyOf(text: PrivateKeyText): string {
  return publicKey(readPrivateKey(text).key);
}

/** Why the certificate of a refused login is not valid, as far as the certificate itself shows. */
export function loginCertificateProblem(certificate: Certificate, user: string, now: number): string {
  const name = plainText(certificate.id, 60);
  const problem = certificateProblem(certificate, { kind: 'user', name: user, now });
  return problem === undefined
    ? `its certificate '${name}' (of authority ${hostKeyFingerprint(certificate.authority)}) was refused as well`
    : `its certificate '${name}' ${problem}`;
}

function readKey(text: string): ParsedKey {
  if (/^PuTTY-User-Key-File/.test(text.trimStart()))
    throw new Error(
      'it is in the format of PuTTY; `puttygen <key> -O private-openssh -o <file>` writes it in that of OpenSSH',
    );
  const kind = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1] ?? '';
  const isEncrypted = kind === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(text);
  if (isEncrypted) throw new Error(`it is encrypted with a passphrase; ${CONVERT}`);
  if (kind.endsWith('PUBLIC KEY') || kind === 'CERTIFICATE') throw new Error('it is a public key');
  const parsed = ssh2.utils.parseKey(kind === 'PRIVATE KEY' ? fromPkcs8(text) : text);
  // The declared type is one key, but for OpenSSH's format the result may be a list.
  const key = Array.isArray(parsed) ? (parsed[0] as ParsedKey) : parsed;
  if (key instanceof Error) {
    if (/no passphrase given/i.test(key.message))
      throw new Error(`it is encrypted with a passphrase; ${CONVERT}`);
    throw new Error(
      `${plainText(key.message)}; ${SUPPORTED} read in the format of OpenSSH or PEM; ${CONVERT}`,
    );
  }
  if (!key.isPrivateKey()) throw new Error('it is a public key');
  return key;
}

/** A PKCS#8 key (`BEGIN PRIVATE KEY`) in a form that ssh2 reads. */
function fromPkcs8(text: string): string {
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    // OpenSSL's message does not help.
    throw new Error(`it cannot be read as PKCS#8; ${CONVERT}`);
  }
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return key.export({ type: 'pkcs1', format: 'pem' }).toString();
    case 'ec':
      return key.export({ type: 'sec1', format: 'pem' }).toString();
    case 'ed25519':
      return openSshEd25519(key);
    default:
      throw new Error(`it is one of type ${key.asymmetricKeyType}; ${SUPPORTED} supported`);
  }
}

function openSshEd25519(key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' });
  const [seed, point] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')];
  const publicPart = Buffer.concat([sshString('ssh-ed25519'), sshString(point)]);
  const check = Buffer.alloc(8); // two equal numbers, by which a passphrase is checked where there is one
  const secretPart = Buffer.concat([
    check,
    publicPart,
    sshString(Buffer.concat([seed, point])),
    sshString(''),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secretPart.length % 8)) % 8 }, (_, i) => i + 1));
  const count = Buffer.from([0, 0, 0, 1]);
  const blob = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    count,
    sshString(publicPart),
    sshString(Buffer.concat([secretPart, padding])),
  ]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function publicKey(key: ParsedKey): string {
  return `${key.type} ${key.getPublicSSH().toString('base64')}`;
}
