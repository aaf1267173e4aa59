import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureInstalledProgram } from '@rigel/local-servers';

/** Files (PEM) of a certificate and its private key. */
export interface CertificateFiles {
  certFile: string;
  keyFile: string;
}

/** A certificate authority for a test. */
export interface TestAuthority {
  /** Its certificate, for clients and servers that trust it. */
  caFile: string;
  /** Makes a certificate for 127.0.0.1, for servers and clients; files of the same name are replaced. */
  issue(name: string): Promise<CertificateFiles>;
}

/**
 * Makes an authority. Its files, and the certificates that it issues, are in the folder.
 * @throws Error without OpenSSL.
 */
export async function makeAuthority(folder: string): Promise<TestAuthority> {
  const openssl = await ensureInstalledProgram('openssl', 'openssl');
  if (openssl === undefined) throw new Error('openssl is not installed, and cannot be');
  const make = async (name: string, ...more: string[]): Promise<CertificateFiles> => {
    const files = { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', files.keyFile];
    const args = [
      'req',
      '-x509',
      '-days',
      '30',
      '-subj',
      `/CN=${name}`,
      ...key,
      '-out',
      files.certFile,
      ...more,
    ];
    await promisify(execFile)(openssl, args);
    return files;
  };
  const authority = await make('authority', '-addext', 'keyUsage=critical,keyCertSign');
  return {
    caFile: authority.certFile,
    issue: (name) =>
      make(
        name,
        ...['-CA', authority.certFile, '-CAkey', authority.keyFile],
        ...['-addext', 'basicConstraints=critical,CA:FALSE'],
        ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
        ...['-addext', 'extendedKeyUsage=serverAuth,clientAuth'],
      ),
  };
}
