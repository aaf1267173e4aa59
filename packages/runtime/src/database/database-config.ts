import { readFileSync } from 'node:fs';
import { databaseSettings } from '@rigel/contracts';
import { type Static, Type } from 'typebox';
import { ConfigError } from '../config.js';

/** Settings of a service that owns a schema. */
export const DatabaseConfig = Type.Object({
  DATABASE_URL: Type.String({
    minLength: 1,
    description:
      'Address of PostgreSQL; with sslmode and sslrootcert in its query the connection is encrypted (see docs/deploy.md).',
  }),
  ...databaseSettings,
});

/**
 * Options of `openDatabase` from the settings of a service.
 * @throws ConfigError if the password file cannot be read, or the address is malformed.
 */
export function databaseOptions(config: Static<typeof DatabaseConfig>): {
  url: string;
  migrate: Static<typeof DatabaseConfig>['RIGEL_MIGRATIONS'];
} {
  return {
    url: withPassword(config.DATABASE_URL, config.RIGEL_DATABASE_PASSWORD_FILE),
    migrate: config.RIGEL_MIGRATIONS,
  };
}

/** The address with the password from a file. @throws ConfigError, which shows neither. */
export function withPassword(url: string, passwordFile: string): string {
  if (passwordFile === '') return url;
  let password: string;
  try {
    password = readFileSync(passwordFile, 'utf8').trim();
  } catch (error) {
    throw new ConfigError(`RIGEL_DATABASE_PASSWORD_FILE is wrong: ${(error as Error).message}`);
  }
  if (password === '')
    throw new ConfigError(`RIGEL_DATABASE_PASSWORD_FILE is wrong: ${passwordFile} is empty`);
  if (!URL.canParse(url)) throw new ConfigError('DATABASE_URL is wrong: (not shown) must be an address');
  const address = new URL(url);
  address.password = encodeURIComponent(password);
  return address.href;
}
