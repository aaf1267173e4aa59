import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ACCOUNT = 'postgres';

/** The account that PostgreSQL runs as: its number and group, or undefined for the account of this process. */
export type PostgresAccount = { uid: number; gid: number } | undefined;

/**
 * Chooses the account to run PostgreSQL as. It refuses to run as root, so root hands it to the account that owns
 * the existing cluster, or to the system account `postgres`, which is made when missing.
 *
 * @param clusterDir folder of the cluster, which need not exist yet
 * @throws Error when root has no such account and cannot make one
 */
export async function postgresAccount(clusterDir: string): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(clusterDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const existing = await systemAccount();
  if (existing !== undefined) return existing;
  try {
    await run('useradd', [
      '--system',
      '--user-group',
      '--no-create-home',
      '--shell',
      '/usr/sbin/nologin',
      ACCOUNT,
    ]);
  } catch (error) {
    // Somebody else may have made it at the same time.
    const made = await systemAccount();
    if (made !== undefined) return made;
    throw new Error(
      `PostgreSQL does not run as root and the account ${ACCOUNT} could not be made: run as another user, or make it`,
      { cause: error },
    );
  }
  return systemAccount();
}

async function systemAccount(): Promise<PostgresAccount> {
  const users = await readFile('/etc/passwd', 'utf8');
  const fields = users
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === ACCOUNT);
  return fields === undefined ? undefined : { uid: Number(fields[2]), gid: Number(fields[3]) };
}

/** A command with the account to run it as. */
export interface AccountCommand {
  command: string;
  args: string[];
  uid?: number;
  gid?: number;
}

/**
 * Makes a command run as the account, also where the account cannot reach its files because a folder above
 * them is closed to others, as /root and the folders made by mktemp are.
 *
 * There the command is given one capability, to read what file permissions would hide, and nothing else of root's;
 * the permissions of folders that are not ours stay as they are.
 *
 * @param needs paths that the command must reach
 * @throws Error when a path cannot be reached and the means to reach it are missing
 */
export async function asAccount(
  account: PostgresAccount,
  command: string,
  args: string[],
  needs: string[],
): Promise<AccountCommand> {
  if (account === undefined) return { command, args };
  const { uid, gid } = account;
  const closed = await firstClosedFolder([command, ...needs], uid, gid);
  if (closed === undefined) return { command, args, uid, gid };
  const capability = await readCapability();
  if (capability === undefined) {
    throw new Error(
      `PostgreSQL does not run as root, and the account ${ACCOUNT} cannot enter ${closed}: ` +
        'use a folder that every account can enter, or run as another user',
    );
  }
  return {
    command: 'setpriv',
    args: [
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      `--inh-caps=-all,+${capability}`,
      `--ambient-caps=+${capability}`,
      `--bounding-set=-all,+${capability}`,
      // Without it access(2), by which PostgreSQL looks for its programs, ignores the capability.
      '--securebits=+no_setuid_fixup',
      '--',
      command,
      ...args,
    ],
  };
}

async function firstClosedFolder(paths: string[], uid: number, gid: number): Promise<string | undefined> {
  for (const path of paths) {
    for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
      const { mode, uid: owner, gid: group } = await stat(folder);
      const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
      if ((mode & bit) === 0) return folder;
      if (folder === dirname(folder)) break;
    }
  }
  return undefined;
}

const CAPABILITIES = [
  { name: 'dac_read_search', bit: 2n },
  // What containers usually leave to root instead.
  { name: 'dac_override', bit: 1n },
];
const SETPCAP_BIT = 8n;

/**
 * Whether PostgreSQL can be run in folders that only their owner, this process, may enter: always, unless this is root
 * without the means.
 */
export async function reachesClosedFolders(): Promise<boolean> {
  return process.getuid?.() !== 0 || (await readCapability()) !== undefined;
}

async function readCapability(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const hasSetpriv = await run('setpriv', ['--version']).then(
    () => true,
    () => false,
  );
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1];
  if (!hasSetpriv || effective === undefined) return undefined;
  const has = (bit: bigint) => ((BigInt(`0x${effective}`) >> bit) & 1n) === 1n;
  return has(SETPCAP_BIT) ? CAPABILITIES.find(({ bit }) => has(bit))?.name : undefined;
}
