import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Refusal } from './refusal.js';
import { runProgram } from './run-program.js';

/** What is read and written of a package.json. */
interface Manifest {
  name: string;
  private?: boolean;
  dependencies?: Record<string, string>;
  scripts?: Record<string, string>;
  /** Fields that the published package has instead of those of the workspace. */
  publishConfig?: Record<string, unknown> & { dependencies?: Record<string, string> };
  [field: string]: unknown;
}

interface WorkspacePackage {
  folder: string;
  manifest: Manifest;
}

interface Workspace {
  packages: string[];
  catalog: Record<string, string>;
}

async function readWorkspace(root: string): Promise<Workspace> {
  return parse(await readFile(join(root, 'pnpm-workspace.yaml'), 'utf8')) as Workspace;
}

async function packagesOf(root: string, { packages }: Workspace): Promise<WorkspacePackage[]> {
  const folders: string[] = [];
  for (const path of packages) {
    if (!path.endsWith('/*')) folders.push(path);
    else
      for (const name of await readdir(join(root, path.slice(0, -2))))
        folders.push(join(path.slice(0, -2), name));
  }
  const found: WorkspacePackage[] = [];
  for (const folder of folders.sort()) {
    const text = await readFile(join(root, folder, 'package.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) found.push({ folder, manifest: JSON.parse(text) as Manifest });
  }
  return found;
}

/** Fields that are of use in the workspace only. */
const NOT_PUBLISHED = new Set(['private', 'scripts', 'devDependencies', 'publishConfig']);

/**
 * Writes every package that is published, which is each one of the workspace that is not `private`, as a tarball of npm
 * into a folder. They must have been built.
 *
 * @returns the tarballs' names
 * @throws Refusal when a published package needs one that is not published
 */
export async function packPackages(
  root: string,
  version: string,
  out: string,
  scratch: string,
): Promise<string[]> {
  const workspace = await readWorkspace(root);
  const all = await packagesOf(root, workspace);
  const published = all.filter(({ manifest }) => manifest.private !== true);
  const names = new Set(published.map(({ manifest }) => manifest.name));
  const tarballs: string[] = [];
  for (const { folder, manifest } of published) {
    const { publishConfig = {} } = manifest;
    const staged = join(scratch, 'npm', folder);
    await mkdir(staged, { recursive: true });
    if (manifest.scripts?.bundle !== undefined) {
      // A program of one file, which holds its libraries.
      const script = join(root, folder, 'scripts', 'bundle.mjs');
      await runProgram(root, process.execPath, [script, staged, version]);
    } else await cp(join(root, folder, 'dist'), join(staged, 'dist'), { recursive: true });
    await cp(join(root, folder, 'README.md'), join(staged, 'README.md'));
    await cp(join(root, 'LICENSE'), join(staged, 'LICENSE'));
    const kept = Object.fromEntries(
      Object.entries({ ...manifest, ...publishConfig }).filter(([field]) => !NOT_PUBLISHED.has(field)),
    );
    const wanted = publishConfig.dependencies ?? manifest.dependencies ?? {};
    const dependencies = Object.fromEntries(
      Object.entries(wanted).map(([name, wanted]) => [
        name,
        versionFor(manifest.name, name, wanted, { workspace, names, version }),
      ]),
    );
    const text = JSON.stringify({ ...kept, version, dependencies }, undefined, 2);
    await writeFile(join(staged, 'package.json'), `${text}\n`);
    const printed = await runProgram(staged, 'npm', ['pack', '--json', '--pack-destination', out]);
    tarballs.push(...filenames(printed));
  }
  return tarballs;
}

/** What the registry's clients understand in the place of what pnpm understands in a workspace. */
function versionFor(
  of: string,
  name: string,
  wanted: string,
  { workspace, names, version }: { workspace: Workspace; names: Set<string>; version: string },
): string {
  if (wanted === 'catalog:') return workspace.catalog[name] as string;
  if (!wanted.startsWith('workspace:')) return wanted;
  if (!names.has(name)) {
    throw new Refusal(
      `${of} is published and depends on ${name}, which is not: remove "private" from the package.json of ${name}, or the dependency`,
    );
  }
  return version;
}

/** npm 11 prints a list, newer ones an object by package. */
function filenames(printed: string): string[] {
  const packed = Object.values(JSON.parse(printed) as Record<string, { filename: string }>);
  return packed.map(({ filename }) => filename);
}
