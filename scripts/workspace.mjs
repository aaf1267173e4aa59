// The packages of the workspace, as pnpm-workspace.yaml lists their folders.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The repository. */
export const ROOT = join(import.meta.dirname, '..');

/** Name and folder of each package, and the word by which a person names it: its folder's name. */
export function workspacePackages() {
  const text = readFileSync(join(ROOT, 'pnpm-workspace.yaml'), 'utf8');
  const [, list = ''] = /^packages:\n((?: +- .*\n)+)/m.exec(text) ?? [];
  const folders = [...list.matchAll(/^ +- (\S+)$/gm)].flatMap(([, path]) =>
    path.endsWith('/*')
      ? readdirSync(join(ROOT, path.slice(0, -2))).map((name) => join(path.slice(0, -2), name))
      : [path],
  );
  return folders
    .filter((folder) => existsSync(join(ROOT, folder, 'package.json')))
    .map((folder) => {
      const { name } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
      return { name, folder, word: folder.split('/').at(-1) };
    })
    .sort((a, b) => (a.word < b.word ? -1 : 1));
}
