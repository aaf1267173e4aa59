import { spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureInstalledProgram } from '@rigel/local-servers';

/** A shell of this machine, as the start of a command line. */
export type Shell = readonly [string, ...string[]];

/** The shells that templates may meet, by the package of Debian in which each is. */
const KNOWN: readonly { debianPackage: string; shell: Shell }[] = [
  { debianPackage: 'dash', shell: ['dash'] },
  { debianPackage: 'bash', shell: ['bash', '--norc'] },
  { debianPackage: 'busybox', shell: ['busybox', 'sh'] },
  { debianPackage: 'mksh', shell: ['mksh'] },
  { debianPackage: 'ksh93u+m', shell: ['ksh93'] },
  { debianPackage: 'yash', shell: ['yash'] },
  { debianPackage: 'zsh', shell: ['zsh', '--emulate', 'sh', '-f'] },
];

/** /bin/sh and the others, each once: as root on Debian all of them, elsewhere as far as they are installed. */
export const shells: readonly Shell[] = await findShells();

async function findShells(): Promise<Shell[]> {
  const found = new Map<string, Shell>([[realpathSync('/bin/sh'), ['/bin/sh']]]);
  for (const { debianPackage, shell } of KNOWN) {
    const [name, ...options] = shell;
    const path = await ensureInstalledProgram(name, debianPackage);
    if (path === undefined) continue;
    const file = realpathSync(path);
    if (!found.has(file)) found.set(file, [name, ...options]);
  }
  return [...found.values()];
}

/** The output of a script, and the files that it left in its working folder, which was empty before. */
export interface ShellRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly files: readonly string[];
}

/**
 * The user of generated scripts if this process is root's: they must not reach anything outside of their own folder.
 */
export const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;

/** Runs a script in an empty folder, given on standard input, or as the argument of -c. */
export function runInShell(shell: Shell, script: string, how: '-c' | 'stdin' = 'stdin'): ShellRun {
  const folder = mkdtempSync(join(tmpdir(), 'command-template-'));
  try {
    if (NOBODY) chownSync(folder, NOBODY.uid, NOBODY.gid);
    const [program, ...options] = shell;
    const run = spawnSync(program, how === '-c' ? [...options, '-c', script] : options, {
      cwd: folder,
      ...NOBODY,
      input: how === '-c' ? '' : script,
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
      encoding: 'utf8',
      timeout: 60_000,
      maxBuffer: 1 << 28,
    });
    if (run.error) throw run.error;
    return { stdout: run.stdout, stderr: run.stderr, files: readdirSync(folder) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
