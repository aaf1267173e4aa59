import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A shell of this machine, as the start of a command line. */
export type Shell = readonly [string, ...string[]];

/** /bin/sh, bash, and the others that templates may meet as far as they are installed here. */
export const shells: readonly Shell[] = findShells();

function findShells(): Shell[] {
  const found = new Map<string, Shell>([[realpathSync('/bin/sh'), ['/bin/sh']]]);
  for (const [name, ...options] of [['dash'], ['bash', '--norc'], ['busybox', 'sh']] as const) {
    const folder = (process.env.PATH ?? '').split(':').find((path) => existsSync(join(path, name)));
    if (folder === undefined) continue;
    const file = realpathSync(join(folder, name));
    if (!found.has(file)) found.set(file, [name, ...options]);
  }
  return [...found.values()];
}

/** What a script printed, and the files it left in its working folder, which was empty. */
export interface ShellRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly files: readonly string[];
}

/** Runs a script in an empty folder, given on standard input, or as the argument of -c. */
export function runInShell(shell: Shell, script: string, how: '-c' | 'stdin' = 'stdin'): ShellRun {
  const folder = mkdtempSync(join(tmpdir(), 'command-template-'));
  try {
    const [program, ...options] = shell;
    const run = spawnSync(program, how === '-c' ? [...options, '-c', script] : options, {
      cwd: folder,
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
