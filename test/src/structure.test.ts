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
      if (name === 'bundles') continue;
      const file = join(REPOSITORY_DIR, folder, name, 'package.json');
      const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
      const wrong = Object.keys({ ...dependencies, ...devDependencies }).filter((dependency) =>
        services.has(dependency),
      );
      t.same(wrong, [], `${folder}/${name}`);
    }
  }
});

t.test('what comes as one file is not read as a thousand', async (t) => {
  const folders = ['services', 'packages', 'deploy'].flatMap((folder) =>
    readdirSync(join(REPOSITORY_DIR, folder)).map((name) => join(folder, name)),
  );
  const bundled = readdirSync(join(REPOSITORY_DIR, 'packages', 'bundles'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  for (const folder of ['.', 'test', ...folders]) {
    const file = join(REPOSITORY_DIR, folder, 'package.json');
    if (!existsSync(file)) continue;
    const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
    // Tests use parts of ajv that are not in its bundle.
    const { ajv: _, ...ofTests } = devDependencies;
    for (const library of bundled) {
      const from = dependencies[library] ?? ofTests[library];
      if (from !== undefined) t.equal(from, `workspace:@rigel/${library}-bundle@*`, folder);
    }
  }
});
