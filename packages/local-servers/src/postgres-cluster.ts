import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asAccount, type PostgresAccount } from './postgres-account.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import { runCommand } from './run-command.js';
import { serverEnvironment } from './server-environment.js';

const INITDB_TIMEOUT_MS = 120_000;
const COPY_TIMEOUT_MS = 60_000;

/** The superuser of clusters made here. */
export const POSTGRES_USER = 'rigel';

/** Folder of the cluster itself in the folder of the server. */
export const clusterDirOf = (dataDir: string): string => join(dataDir, 'data');

/** File, readable by its owner alone, that holds the superuser's password. */
export const passwordFileOf = (dataDir: string): string => join(dataDir, 'password');

/** What a cluster is made with. */
export interface ClusterOptions {
  binaries: PostgresBinaries;
  /** Whose it is. */
  account: PostgresAccount;
  /** Does not wait for the disk. */
  unsafeFast: boolean;
  signal: AbortSignal | undefined;
  /**
   * The folder of another server, that does not run: its cluster and password are copied. Default: initdb makes one.
   */
  copyOf?: string | undefined;
}

/**
 * Makes the cluster unless it is there: UTF-8, C locale, password login only (SCRAM), a random password.
 *
 * @returns the superuser's password
 * @throws Error when initdb fails, or a cluster is there and its password file is not
 */
export async function ensureCluster(dataDir: string, options: ClusterOptions): Promise<string> {
  const { account, unsafeFast, copyOf } = options;
  const clusterDir = clusterDirOf(dataDir);
  const passwordFile = passwordFileOf(dataDir);
  const exists = await isThere(clusterDir);
  if (!exists) {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await chmod(dataDir, 0o700);
    if (account !== undefined) await chown(dataDir, account.uid, account.gid);
  }
  let password = await readFile(passwordFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (exists && !password) {
    throw new Error(
      `the password file ${passwordFile} is missing, so the cluster in ${clusterDir} cannot be used`,
    );
  }
  if (exists && password) return password;
  if (copyOf !== undefined || !password) {
    password =
      copyOf === undefined
        ? randomBytes(24).toString('base64url')
        : await readFile(passwordFileOf(copyOf), 'utf8');
    await writePassword(passwordFile, password, account);
  }
  await makeCluster(dataDir, options);
  if (!unsafeFast) await syncFolder(dataDir);
  return password;
}

// The data is lost to us without it, so it is on the disk before there is any.
async function writePassword(path: string, password: string, account: PostgresAccount): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(password);
    if (account !== undefined) await file.chown(account.uid, account.gid);
    await file.sync();
  } finally {
    await file.close();
  }
}

// Makes the names of new files in a folder as durable as what PostgreSQL syncs inside of them.
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function makeCluster(dataDir: string, options: ClusterOptions): Promise<void> {
  // Made aside and renamed when complete: a command that is killed must not leave half a cluster in its place.
  const aside = /^data\.new-/;
  for (const name of await readdir(dataDir)) {
    if (aside.test(name)) await rm(join(dataDir, name), { recursive: true, maxRetries: 5 });
  }
  const newDir = join(dataDir, `data.new-${randomBytes(6).toString('hex')}`);
  if (options.copyOf === undefined) await initdb(newDir, passwordFileOf(dataDir), options);
  else await copy(clusterDirOf(options.copyOf), newDir, options.signal);
  await rename(newDir, clusterDirOf(dataDir));
}

async function initdb(newDir: string, passwordFile: string, options: ClusterOptions): Promise<void> {
  const { binaries, account, unsafeFast, signal } = options;
  const { command, args, uid, gid } = await asAccount(
    account,
    binaries.initdb,
    [
      `--pgdata=${newDir}`,
      `--username=${POSTGRES_USER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      ...(unsafeFast ? ['--no-sync'] : []),
    ],
    [newDir],
  );
  await runCommand(command, args, {
    uid,
    gid,
    env: serverEnvironment(),
    timeoutMs: INITDB_TIMEOUT_MS,
    signal,
  });
}

/** With owners and modes. */
async function copy(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  await runCommand('cp', ['-pR', from, to], {
    env: serverEnvironment(),
    timeoutMs: COPY_TIMEOUT_MS,
    signal,
  });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
