import { webcrypto } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const SERVER_DAYS = 365;
const AUTHORITY_NAME = 'CN=Rigel on this machine';

/** Hundreds of modules, loaded only to make a certificate: a system that is not secured makes none. */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  // The library's own dependency wants it to be there first.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  // The library's types are those of browsers; Node's own have other names.
  x509.cryptoProvider.set(webcrypto as never);
  return x509;
}

/** A key and its certificate, as PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

/**
 * The authority whose certificates the parts of a system on one machine trust. It is made in the folder once: `ca.crt`, for
 * everybody who connects, and `ca.key`, for the owner alone.
 */
export async function ensureAuthority(folder: string): Promise<Certificate> {
  const [certFile, keyFile] = [join(folder, 'ca.crt'), join(folder, 'ca.key')];
  try {
    return { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: AUTHORITY_NAME,
    keys: keys as never,
    signingAlgorithm: ALGORITHM,
    ...validFor(AUTHORITY_DAYS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const authority = { cert: cert.toString('pem'), key: await toPem(keys.privateKey) };
  // The key first: without its certificate both are made again.
  await writeFile(keyFile, authority.key, { mode: 0o600 });
  await writeFile(certFile, authority.cert, { mode: 0o644 });
  return authority;
}

/** Options of a certificate. */
export interface CertificateOptions {
  /** Its owner. Default: `localhost`. */
  name?: string;
  /** More loopback addresses of the server. */
  addresses?: readonly string[];
  /** Its owner also shows it as a client, as the servers of a cluster do to each other. */
  client?: boolean;
}

/** A certificate for a server on the loopback address. */
export async function issueLoopbackCertificate(
  authority: Certificate,
  { name = 'localhost', addresses = [], client = false }: CertificateOptions = {},
): Promise<Certificate> {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const issuer = new x509.X509Certificate(authority.cert);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(authority.key),
    ALGORITHM,
    false,
    ['sign'],
  );
  const cert = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey as never,
    signingKey: signingKey as never,
    signingAlgorithm: ALGORITHM,
    ...validFor(SERVER_DAYS),
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        ...(client ? [x509.ExtendedKeyUsage.clientAuth] : []),
      ]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: name },
        ...['127.0.0.1', '::1', ...addresses].map((value) => ({ type: 'ip' as const, value })),
      ]),
    ],
  });
  return { cert: cert.toString('pem'), key: await toPem(keys.privateKey) };
}

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  const { PemConverter } = await loadX509();
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

function validFor(days: number): { notBefore: Date; notAfter: Date } {
  // A day back, for clocks that are behind.
  return { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + days * DAY_MS) };
}
