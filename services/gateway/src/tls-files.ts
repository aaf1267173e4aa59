import { readFileSync } from 'node:fs';
import { createSecureContext, type Server as TlsServer } from 'node:tls';
import { ConfigError } from '@rigel/runtime';
import type { Logger } from 'pino';

const LOOK_EVERY_MS = 30_000;

/** Certificate and key, as PEM. */
export interface TlsKeyPair {
  cert: string;
  key: string;
}

/** Where they are; both empty when HTTP is spoken. */
export interface TlsFiles {
  RIGEL_HTTP_TLS_CERT_FILE: string;
  RIGEL_HTTP_TLS_KEY_FILE: string;
}

/**
 * Reads certificate and key, and sees that they belong together.
 * @returns undefined when none are to be used.
 * @throws ConfigError naming the setting that is wrong.
 */
export function readTlsFiles(files: TlsFiles): TlsKeyPair | undefined {
  const { RIGEL_HTTP_TLS_CERT_FILE: certFile, RIGEL_HTTP_TLS_KEY_FILE: keyFile } = files;
  if (certFile === '' && keyFile === '') return undefined;
  const cert = readPem('RIGEL_HTTP_TLS_CERT_FILE', certFile);
  const key = readPem('RIGEL_HTTP_TLS_KEY_FILE', keyFile);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new ConfigError(
      `RIGEL_HTTP_TLS_CERT_FILE is wrong: ${certFile} and RIGEL_HTTP_TLS_KEY_FILE cannot be used (${(error as Error).message})`,
    );
  }
  return { cert, key };
}

function readPem(name: string, file: string): string {
  if (file === '') throw new ConfigError(`${name} is not set: certificate and key are used together`);
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`${name} is wrong: ${(error as Error).message}`);
  }
  // OpenSSL takes it for no certificate, and refuses every client. A file is empty for a moment while it is written.
  if (pem.trim() === '') throw new ConfigError(`${name} is wrong: ${file} is empty`);
  return pem;
}

/**
 * Looks now and then whether the files have changed, as they do when a certificate is renewed, and uses the new ones for
 * new connections. Ones that cannot be used are logged, and the old ones stay.
 * @returns a function that ends it.
 */
export function followTlsFiles(
  server: TlsServer,
  files: TlsFiles,
  first: TlsKeyPair,
  { log, everyMs = LOOK_EVERY_MS }: { log: Logger; everyMs?: number },
): () => void {
  let last = first;
  const timer = setInterval(() => {
    try {
      const pair = readTlsFiles(files);
      if (!pair || (pair.cert === last.cert && pair.key === last.key)) return;
      server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' });
      last = pair;
      log.info('the certificate of the API has been renewed');
    } catch (error) {
      log.warn({ err: error }, 'the new certificate cannot be used, the old one stays');
    }
  }, everyMs);
  return () => clearInterval(timer);
}
