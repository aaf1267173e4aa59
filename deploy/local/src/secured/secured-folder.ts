import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTICIPANTS, type Participant } from '@rigel/contracts';
import { REPOSITORY_DIR } from '../config.js';
import { ensureAuthority, issueLoopbackCertificate } from './certificates.js';
import { passwordVariable } from './nats-permissions.js';

/** What the servers and services of a secured system are given. Paths are absolute. */
export interface Secured {
  caFile: string;
  /** The password of a NATS user, in a file. */
  natsPasswordFile: (participant: Participant) => string;
  /** Folder with a file for each role of the database, its name. */
  databasePasswords: string;
  nats: { configFile: string; env: Record<string, string> };
  postgres: { cert: string; key: string };
  http: { certFile: string; keyFile: string };
}

/**
 * Makes what is missing of it in the folder `secured` of the data folder: an authority of its own, passwords, certificates of
 * the servers (new ones at each start), and the configuration of NATS, which is that of `deploy/nats`.
 */
export async function prepareSecured(dataDir: string): Promise<Secured> {
  const folder = join(dataDir, 'secured');
  const natsFolder = join(folder, 'nats');
  const databasePasswords = join(folder, 'database');
  for (const each of [folder, natsFolder, databasePasswords])
    await mkdir(each, { recursive: true, mode: 0o700 });
  const authority = await ensureAuthority(folder);
  const server = await issueLoopbackCertificate(authority);
  const [certFile, keyFile] = [join(folder, 'server.crt'), join(folder, 'server.key')];
  await writeFile(certFile, server.cert, { mode: 0o644 });
  await writeFile(keyFile, server.key, { mode: 0o600 });
  for (const name of ['nats.conf', 'permissions.conf']) {
    await copyFile(join(REPOSITORY_DIR, 'deploy', 'nats', name), join(natsFolder, name));
  }
  const natsPasswordFile = (participant: Participant) => join(natsFolder, `${participant}.password`);
  const env: Record<string, string> = {
    // NATS reads them like values of its configuration.
    RIGEL_NATS_SERVER_CERT_FILE: JSON.stringify(certFile),
    RIGEL_NATS_SERVER_KEY_FILE: JSON.stringify(keyFile),
  };
  for (const participant of PARTICIPANTS) {
    env[passwordVariable(participant)] = await ensurePassword(natsPasswordFile(participant));
  }
  return {
    caFile: join(folder, 'ca.crt'),
    natsPasswordFile,
    databasePasswords,
    nats: { configFile: join(natsFolder, 'nats.conf'), env },
    postgres: server,
    http: { certFile, keyFile },
  };
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
