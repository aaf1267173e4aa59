import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTICIPANTS, type Participant } from '@rigel/contracts';
import { REPOSITORY_DIR } from '../config.js';
import { ensureAuthority, issueLoopbackCertificate } from './certificates.js';
import { passwordVariable } from './nats-permissions.js';

/**
 * The users of the NATS server that belongs to a system. Every local user can reach its port, so it has users whether or not the
 * system is secured. Paths are absolute.
 */
export interface NatsUsers {
  /** The password of a NATS user, in a file. */
  natsPasswordFile: (participant: Participant) => string;
  nats: { configFile: string; env: Record<string, string> };
}

/** The files of a secured system that its servers and services get. */
export interface Secured extends NatsUsers {
  caFile: string;
  /** Folder with a file for each role of the database, its name. */
  databasePasswords: string;
  postgres: { cert: string; key: string };
  http: { certFile: string; keyFile: string };
}

/**
 * Makes the missing files of the folder `secured` in the data folder: an authority, passwords, certificates of the servers (new
 * ones at each start), and the configuration of NATS, which is that of `deploy/nats`.
 */
export async function prepareSecured(dataDir: string): Promise<Secured> {
  const folder = join(dataDir, 'secured');
  const databasePasswords = join(folder, 'database');
  const users = await prepareNatsUsers(dataDir);
  await mkdir(databasePasswords, { recursive: true, mode: 0o700 });
  const authority = await ensureAuthority(folder);
  const server = await issueLoopbackCertificate(authority);
  const [certFile, keyFile] = [join(folder, 'server.crt'), join(folder, 'server.key')];
  await writeFile(certFile, server.cert, { mode: 0o644 });
  await writeFile(keyFile, server.key, { mode: 0o600 });
  const configFile = join(folder, 'nats', 'nats.conf');
  for (const name of ['nats.conf', 'permissions.conf'])
    await copyFile(join(REPOSITORY_DIR, 'deploy', 'nats', name), join(folder, 'nats', name));
  const env = {
    ...users.nats.env,
    // NATS reads them like values of its configuration.
    RIGEL_NATS_SERVER_CERT_FILE: JSON.stringify(certFile),
    RIGEL_NATS_SERVER_KEY_FILE: JSON.stringify(keyFile),
  };
  return {
    ...users,
    caFile: join(folder, 'ca.crt'),
    databasePasswords,
    nats: { configFile, env },
    postgres: server,
    http: { certFile, keyFile },
  };
}

/**
 * Users without permissions and encryption. They keep other users of this machine out. Permissions for each service belong to a
 * secured system, because checking them for each message makes NATS three times as expensive.
 */
const PLAIN_CONFIG = [
  'authorization {',
  '  timeout: 5',
  '  users = [',
  ...PARTICIPANTS.map((user) => `    { user: ${user}, password: $${passwordVariable(user)} }`),
  '  ]',
  '}',
  '',
].join('\n');

/** Makes the missing files of NATS's users in `secured/nats` of the data folder, which only its owner can read. */
export async function prepareNatsUsers(dataDir: string): Promise<NatsUsers> {
  const folder = join(dataDir, 'secured', 'nats');
  for (const each of [join(dataDir, 'secured'), folder]) await mkdir(each, { recursive: true, mode: 0o700 });
  const configFile = join(folder, 'plain.conf');
  await writeFile(configFile, PLAIN_CONFIG);
  const natsPasswordFile = (participant: Participant) => join(folder, `${participant}.password`);
  const env: Record<string, string> = {};
  for (const participant of PARTICIPANTS) {
    env[passwordVariable(participant)] = await ensurePassword(natsPasswordFile(participant));
  }
  return { natsPasswordFile, nats: { configFile, env } };
}

async function ensurePassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  // It begins with a letter: NATS takes one that looks like a number for a number.
  const password = `p${randomBytes(24).toString('hex')}`;
  await writeFile(file, password, { mode: 0o600 });
  return password;
}
