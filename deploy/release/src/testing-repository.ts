import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';
import { ROOT } from './command-line.js';

const AUTHOR = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
const MAX_BYTES = 64 * 1024 * 1024;

function git(folder: string, ...args: string[]): string {
  return execFileSync('git', [...AUTHOR, ...args], { cwd: folder, encoding: 'utf8', maxBuffer: MAX_BYTES });
}

/** A repository of a test's own, which is removed after it. */
export interface TestRepository {
  root: string;
  write(path: string, text: string): void;
  commit(): void;
  git(...args: string[]): string;
}

/** An empty repository with one commit. */
export function emptyRepository(t: Test): TestRepository {
  const root = mkdtempSync(join(tmpdir(), 'rigel-release-test-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  git(root, 'init', '--quiet');
  const repository: TestRepository = {
    root,
    write: (path, text) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    commit: () => {
      git(root, 'add', '--all');
      git(root, 'commit', '--quiet', '--allow-empty', '-m', 'a test');
    },
    git: (...args) => git(root, ...args),
  };
  repository.write(
    '.gitignore',
    readFileSync(join(ROOT, '.gitignore'), 'utf8').replace('node_modules/', 'node_modules'),
  );
  repository.commit();
  return repository;
}

/**
 * A repository with this one's files as they are now, whether or not they are committed, and with what is installed
 * here.
 */
export function copyOfThis(t: Test): TestRepository {
  const repository = emptyRepository(t);
  const { root } = repository;
  const files = git(ROOT, 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate');
  const gone = new Set(git(ROOT, 'ls-files', '-z', '--deleted').split('\0'));
  for (const path of files.split('\0')) {
    if (path === '' || path === '.gitignore' || gone.has(path) || /^services\/.*\/recordings\//.test(path))
      continue;
    cpSync(join(ROOT, path), join(root, path), { recursive: true });
  }
  for (const folder of ['.', 'deploy/cli', ...installedIn(files)])
    symlinkSync(join(ROOT, folder, 'node_modules'), join(root, folder, 'node_modules'));
  return repository;
}

/** The packages and services that have libraries of their own. */
function installedIn(files: string): string[] {
  const manifests = files
    .split('\0')
    .filter((path) => /^(services|packages)\/[^/]+\/package\.json$/.test(path));
  return manifests
    .map((path) => dirname(path))
    .filter((folder) => existsSync(join(ROOT, folder, 'node_modules')));
}
