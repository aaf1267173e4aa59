import { readFileSync } from 'node:fs';
import { createSecureContext, type Server as TlsServer } from 'node:tls';
import { ConfigError } from '@rigel/runtime';
import type { Logger } from 'pino';

const LOOK_EVERY_MS = 30_000;

/**
 * The accepted versions and ciphers: TLS 1.3, or 1.2 with a key for each connection (ECDHE) and an authenticated cipher
 * (AEAD). The other suites of 1.2, in CBC mode or with the certificate's own key, have been broken more than once.
 */
export const TLS_ACCEPTED = {
  minVersion: 'TLSv1.2',
  ciphers: [
    ...['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'],
    ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
    ...['ECDHE-RSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ].join(':'),
} as const;

/** Certificate and key, as PEM. */
export interface TlsKeyPair {
  cert: string;
  key: string;
}

/** The files of certificate and key; both empty for HTTP. */
export interface TlsFiles {
  RIGEL_HTTP_TLS_CERT_FILE: string;
  RIGEL_HTTP_TLS_KEY_FILE: string;
}

/**
 * Reads certificate and key, and checks that they belong together.
 * @returns undefined for HTTP.
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
  // OpenSSL would see no certificate and refuse every client. A file is empty for a moment while it is written.
  if (pem.trim() === '') throw new ConfigError(`${name} is wrong: ${file} is empty`);
  return pem;
}

/**
 * Checks from time to time whether the files have changed, because a certificate was renewed, and uses the new files
 * for new connections. Unusable new files cause a warning, and the old ones stay in use.
 * @returns ends the checks.
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
      server.setSecureContext({ ...pair, ...TLS_ACCEPTED });
      last = pair;
      log.info('the gateway uses a new certificate from now on');
    } catch (error) {
      log.warn({ err: error }, 'the gateway cannot use the new certificate and keeps the old one');
    }
  }, everyMs);
  return () => clearInterval(timer);
}
