import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installDebianPackage } from '@rigel/local-servers';

const run = promisify(execFile);

/** A shell that nodes have as /bin/sh. It has that name here, too, because bash and busybox behave by their name. */
export interface PosixShell {
  name: 'dash' | 'bash' | 'busybox';
  path: string;
  /** Its environment: busybox's own tools instead of GNU's. */
  env: Record<string, string>;
}

/** The path of a program that shells find; undefined when it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  const found = await run('/bin/sh', ['-c', `command -v ${name}`]).catch(() => undefined);
  return found?.stdout.trim();
}

/** As root on Debian a missing shell is installed, so that no test is left out where it need not be. */
async function install(name: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || (await findProgram('apt-get')) === undefined) return undefined;
  await installDebianPackage(name);
  return findProgram(name);
}

/**
 * Finds the shells on this machine, each linked as `sh` in a folder of its own. `missing` names those that are not
 * installed.
 */
export async function posixShells(): Promise<{
  shells: PosixShell[];
  missing: string[];
  remove(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-shells-'));
  await chmod(folder, 0o755);
  const shells: PosixShell[] = [];
  const missing: string[] = [];
  for (const name of ['dash', 'bash', 'busybox'] as const) {
    const found = (await findProgram(name)) ?? (await install(name));
    if (found === undefined) {
      missing.push(name);
      continue;
    }
    const bin = join(folder, name);
    await mkdir(bin);
    const env: Record<string, string> = {};
    if (name === 'busybox') {
      await run(found, ['--install', '-s', bin]);
      await rm(join(bin, 'sh'));
      env.PATH = bin;
    }
    const path = join(bin, 'sh');
    await symlink(found, path);
    shells.push({ name, path, env });
  }
  return { shells, missing, remove: () => rm(folder, { recursive: true, force: true }) };
}
