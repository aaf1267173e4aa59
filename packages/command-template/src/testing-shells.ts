import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A shell of this machine, as the start of a command line. */
export type Shell = readonly [string, ...string[]];

/** The shells that templates may meet, as far as they are installed here; /bin/sh always is. */
export const shells: readonly Shell[] = [
  ['/bin/sh'],
  ...(['dash', 'bash', 'ksh', 'mksh'] as const).filter(installed).map((name): Shell => [name]),
  ...(installed('busybox') ? [['busybox', 'sh'] as const] : []),
];

function installed(name: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, name)));
}

/** What a script printed, and the files it left in its working folder, which was empty. */
export interface ShellRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly files: readonly string[];
}

/** Runs a script, given on standard input or as `-c` argument, in an empty folder. */
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
