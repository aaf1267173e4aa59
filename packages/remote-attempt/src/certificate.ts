import { createPublicKey, verify } from 'node:crypto';
import ssh2 from 'ssh2';
import { plainText } from './plain-text.js';
import { SshReader, sshString } from './ssh-wire.js';

/** A certificate in OpenSSH's format, whose signature was checked. */
export interface Certificate {
  kind: 'user' | 'host';
  /** The name that its authority gave it. */
  id: string;
  /** Names of the users or hosts that it is for; empty = for all. */
  principals: string[];
  /** Seconds since 1970. */
  validAfter: bigint;
  /** Seconds since 1970; `FOR_EVER` = it does not end. */
  validBefore: bigint;
  /** Names of the options that a server must know to accept it. */
  criticalOptions: string[];
  /** The certified key, `ssh-ed25519 AAAA…`. */
  key: string;
  /** The key of the authority that signed it, `ssh-ed25519 AAAA…`. */
  authority: string;
  /** Its bytes, as SSH sends them. */
  blob: Buffer;
}

const FOR_EVER = 0xffff_ffff_ffff_ffffn;
const SUFFIX = '-cert-v01@openssh.com';
/** The number of parts of a public key, by type; a certificate has the same parts as the key. */
const KEY_PARTS: Record<string, number> = {
  'ssh-ed25519': 1,
  'ssh-rsa': 2,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
};
/** The signatures that ssh accepts from authorities: not `ssh-rsa`, which uses SHA-1. */
const SIGNATURES: Record<string, { keyType: string; hash: string | null; coordinate?: number }> = {
  'ssh-ed25519': { keyType: 'ssh-ed25519', hash: null },
  'rsa-sha2-256': { keyType: 'ssh-rsa', hash: 'sha256' },
  'rsa-sha2-512': { keyType: 'ssh-rsa', hash: 'sha512' },
  'ecdsa-sha2-nistp256': { keyType: 'ecdsa-sha2-nistp256', hash: 'sha256', coordinate: 32 },
  'ecdsa-sha2-nistp384': { keyType: 'ecdsa-sha2-nistp384', hash: 'sha384', coordinate: 48 },
  'ecdsa-sha2-nistp521': { keyType: 'ecdsa-sha2-nistp521', hash: 'sha512', coordinate: 66 },
};

/** Whether the bytes of a public key in SSH are a certificate. */
export function isCertificate(blob: Buffer): boolean {
  return new SshReader(blob).text().endsWith(SUFFIX);
}

/**
 * The plain type of a certificate's type, `ssh-ed25519` of `ssh-ed25519-cert-v01@openssh.com`; the type itself of a
 * key's.
 */
export function plainKeyType(type: string): string {
  return type.endsWith(SUFFIX) ? type.slice(0, -SUFFIX.length) : type;
}

/**
 * Reads a certificate and checks its signature, but not whether its authority is trusted or whether it is valid now.
 * @throws Error that says what is wrong with it.
 */
export function readCertificate(blob: Buffer): Certificate {
  let reader: SshReader;
  let certificate: Certificate;
  let signature: Buffer;
  let signed: Buffer;
  try {
    reader = new SshReader(blob);
    const type = plainKeyType(reader.text());
    const parts = KEY_PARTS[type];
    if (parts === undefined) throw new Error(`certificates of ${plainText(type, 60)} are not supported`);
    reader.string(); // a nonce
    const key = Buffer.concat([
      sshString(type),
      ...Array.from({ length: parts }, () => sshString(reader.string())),
    ]);
    reader.uint64(); // a serial number
    const kind = reader.uint32();
    const id = reader.text();
    const principals = strings(reader.string());
    const [validAfter, validBefore] = [reader.uint64(), reader.uint64()];
    const criticalOptions = strings(reader.string()).filter((_, index) => index % 2 === 0);
    reader.string(); // extensions: what its user may do
    reader.string(); // reserved
    const authority = reader.string();
    signed = blob.subarray(0, reader.position);
    signature = reader.string();
    if (!reader.atEnd) throw new Error('something follows its signature');
    if (kind !== 1 && kind !== 2) throw new Error(`it is of kind ${kind}`);
    certificate = {
      kind: kind === 1 ? 'user' : 'host',
      id,
      principals,
      validAfter,
      validBefore,
      criticalOptions,
      key: written(key),
      authority: written(authority),
      blob,
    };
  } catch (error) {
    throw new Error(`the certificate cannot be read: ${(error as Error).message}`);
  }
  if (!isSigned(certificate.authority, signed, signature))
    throw new Error('the signature of the certificate is wrong');
  return certificate;
}

/**
 * Reads a certificate's file, `ssh-ed25519-cert-v01@openssh.com AAAA… comment`.
 * @throws Error that says what is wrong.
 */
export function readCertificateText(text: string): Certificate {
  const [type = '', base64 = ''] = text.trim().split(/\s+/);
  if (!type.endsWith(SUFFIX)) throw new Error('it is no certificate');
  return readCertificate(Buffer.from(base64, 'base64'));
}

/**
 * Why a certificate is not valid for a name at a time (milliseconds since 1970); undefined if it is. As in ssh, a
 * host's certificate without names is for every host.
 */
export function certificateProblem(
  certificate: Certificate,
  { kind, name, now }: { kind: Certificate['kind']; name: string; now: number },
): string | undefined {
  const { validAfter, validBefore, principals, criticalOptions } = certificate;
  if (certificate.kind !== kind) return `is one of a ${certificate.kind}`;
  const seconds = BigInt(Math.floor(now / 1000));
  if (seconds < validAfter) return `is not valid before ${time(validAfter)}`;
  if (validBefore !== FOR_EVER && seconds >= validBefore) return `expired at ${time(validBefore)}`;
  if (kind === 'host' && criticalOptions.length > 0)
    return `has options that are not known: ${plainText(criticalOptions.join(', '), 100)}`;
  if (!principals.includes(name) && (principals.length > 0 || kind === 'user'))
    return `is for ${plainText(principals.join(', '), 200) || 'nobody'}, not for ${plainText(name, 100)}`;
  return undefined;
}

function strings(list: Buffer): string[] {
  const reader = new SshReader(list);
  const found: string[] = [];
  while (!reader.atEnd) found.push(reader.text());
  return found;
}

function written(blob: Buffer): string {
  return `${new SshReader(blob).text()} ${blob.toString('base64')}`;
}

function time(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? 'the end of time' : date.toISOString().replace('.000Z', 'Z');
}

function isSigned(authority: string, data: Buffer, signature: Buffer): boolean {
  try {
    const reader = new SshReader(signature);
    const how = SIGNATURES[reader.text()];
    const value = reader.string();
    if (how === undefined || how.keyType !== authority.split(' ')[0]) return false;
    const parsed = ssh2.utils.parseKey(authority);
    if (parsed instanceof Error) return false;
    const key = createPublicKey(parsed.getPublicPEM());
    if (how.coordinate === undefined) return verify(how.hash, data, key, value);
    const size = how.coordinate;
    const numbers = new SshReader(value);
    const plain = Buffer.concat([fixed(numbers.string(), size), fixed(numbers.string(), size)]);
    return verify(how.hash, data, { key, dsaEncoding: 'ieee-p1363' }, plain);
  } catch {
    return false;
  }
}

/** A number as SSH writes it, in this many bytes. */
function fixed(number: Buffer, size: number): Buffer {
  const bytes = number[0] === 0 ? number.subarray(1) : number;
  if (bytes.length > size) throw new RangeError('the number is too long');
  return Buffer.concat([Buffer.alloc(size - bytes.length), bytes]);
}
