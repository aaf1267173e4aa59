import { accessSync, constants } from 'node:fs';
import { natsSettings } from '@rigel/contracts';
import type { NatsCredentials, NatsTls } from '@rigel/messaging';
import { type Static, Type } from 'typebox';
import { ConfigError } from './config.js';

const NatsSettings = Type.Object(natsSettings);

/**
 * The credentials and the encryption for the connection to NATS.
 * @throws ConfigError if a file cannot be read, or only one of two settings that belong together is given.
 */
export function natsOptions(config: Static<typeof NatsSettings>): {
  credentials: NatsCredentials | undefined;
  tls: NatsTls | undefined;
} {
  for (const name of Object.keys(natsSettings) as (keyof typeof natsSettings)[]) {
    if (name.endsWith('_FILE') && config[name] !== '') readable(name, config[name]);
  }
  return { credentials: credentialsOf(config), tls: tlsOf(config) };
}

function credentialsOf(config: Static<typeof NatsSettings>): NatsCredentials | undefined {
  const {
    RIGEL_NATS_USER: user,
    RIGEL_NATS_PASSWORD_FILE: passwordFile,
    RIGEL_NATS_CREDENTIALS_FILE: credentialsFile,
  } = config;
  together('RIGEL_NATS_USER', user, 'RIGEL_NATS_PASSWORD_FILE', passwordFile);
  if (credentialsFile === '') return user === '' ? undefined : { user, passwordFile };
  if (user !== '')
    throw new ConfigError('RIGEL_NATS_CREDENTIALS_FILE is wrong: RIGEL_NATS_USER is set as well');
  return { credentialsFile };
}

function tlsOf(config: Static<typeof NatsSettings>): NatsTls | undefined {
  const { RIGEL_NATS_CA_FILE: caFile, RIGEL_NATS_CERT_FILE: certFile, RIGEL_NATS_KEY_FILE: keyFile } = config;
  together('RIGEL_NATS_CERT_FILE', certFile, 'RIGEL_NATS_KEY_FILE', keyFile);
  if (caFile === '') {
    if (certFile !== '')
      throw new ConfigError('RIGEL_NATS_CERT_FILE is wrong: RIGEL_NATS_CA_FILE is not set');
    return undefined;
  }
  return { caFile, ...(certFile === '' ? {} : { certFile, keyFile }) };
}

function readable(name: string, file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw new ConfigError(`${name} is wrong: ${(error as Error).message}`);
  }
}

function together(one: string, first: string, other: string, second: string): void {
  if ((first === '') === (second === '')) return;
  const [given, missing] = first === '' ? [other, one] : [one, other];
  throw new ConfigError(`${given} is set and ${missing} is not: set both or neither`);
}
