import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import t from 'tap';
import { parse } from 'yaml';

/** What the linter says, under our rules, of a service's file with this content. */
function lint(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'rigel-lint-'));
  try {
    const source = join(folder, 'services', 'scheduler', 'src');
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, 'example.ts'), content);
    copyFileSync(join(REPOSITORY_DIR, 'biome.json'), join(folder, 'biome.json'));
    const biome = join(REPOSITORY_DIR, 'node_modules', '.bin', 'biome');
    const { stdout, stderr } = spawnSync(biome, ['lint', '.'], { cwd: folder, encoding: 'utf8' });
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

t.test('the linter refuses a service that imports another one', async (t) => {
  for (const from of ['@rigel/inventory', '../../inventory/src/main.js', '@rigel/local']) {
    t.match(lint(`import { x } from '${from}';\n\nexport { x };\n`), /noRestrictedImports/, from);
  }
  t.notMatch(lint("import { x } from '@rigel/contracts';\n\nexport { x };\n"), /noRestrictedImports/);
});

t.test('no package depends on a service, and no service on another', async (t) => {
  const services = new Set(readdirSync(join(REPOSITORY_DIR, 'services')).map((name) => `@rigel/${name}`));
  for (const folder of ['services', 'packages']) {
    for (const name of readdirSync(join(REPOSITORY_DIR, folder))) {
      const file = join(REPOSITORY_DIR, folder, name, 'package.json');
      const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
      const wrong = Object.keys({ ...dependencies, ...devDependencies }).filter((dependency) =>
        services.has(dependency),
      );
      t.same(wrong, [], `${folder}/${name}`);
    }
  }
});

/** Name and version of every library that the workspace's packages ask for, with the folder that asks. */
function askedFor(): { folder: string; library: string; version: string }[] {
  const folders = ['services', 'packages', 'deploy'].flatMap((folder) =>
    readdirSync(join(REPOSITORY_DIR, folder)).map((name) => join(folder, name)),
  );
  return ['.', 'test', ...folders].flatMap((folder) => {
    const file = join(REPOSITORY_DIR, folder, 'package.json');
    if (!existsSync(file)) return [];
    const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
    return Object.entries<string>({ ...dependencies, ...devDependencies })
      .filter(([, version]) => !version.startsWith('workspace:'))
      .map(([library, version]) => ({ folder, library, version }));
  });
}

/** pnpm-workspace.yaml, as far as this test reads it. */
interface Workspace {
  catalog: Record<string, string>;
  overrides?: unknown;
  patchedDependencies?: unknown;
}

/** TypeScript of the client's generator, which is not the compiler of the project (docs/dependencies.md). */
const OF_TWO_VERSIONS = ['typescript'];

t.test(
  'a library that several packages use has one version, in the catalog, and is not patched',
  async (t) => {
    const text = readFileSync(join(REPOSITORY_DIR, 'pnpm-workspace.yaml'), 'utf8');
    const { catalog, overrides, patchedDependencies } = parse(text) as Workspace;
    t.same([overrides, patchedDependencies], [undefined, undefined], 'no library is replaced or patched');
    const asked = askedFor();
    for (const { folder, library, version } of asked) {
      const shared = asked.filter((other) => other.library === library).length > 1;
      if (OF_TWO_VERSIONS.includes(library)) continue;
      if (shared || library in catalog) t.equal(version, 'catalog:', `${library} in ${folder}`);
      else t.match(version, /^[\^~]?\d/, `${library} in ${folder} comes from the registry by its name`);
    }
    for (const library of Object.keys(catalog)) {
      t.ok(
        asked.some((one) => one.library === library),
        `${library} of the catalog is used`,
      );
    }
  },
);
