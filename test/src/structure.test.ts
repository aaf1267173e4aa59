import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import t from 'tap';

/** What the linter says of a file with this content at this place. */
function lint(path: string, content: string): string {
  const { stdout, stderr } = spawnSync(
    join(REPOSITORY_DIR, 'node_modules', '.bin', 'biome'),
    ['lint', `--stdin-file-path=${path}`],
    { cwd: REPOSITORY_DIR, input: content, encoding: 'utf8' },
  );
  return stdout + stderr;
}

t.test('the linter refuses a service that imports another one', async (t) => {
  const file = 'services/scheduler/src/example.ts';
  for (const from of ['@rigel/inventory', '../../inventory/src/main.js', '@rigel/local']) {
    t.match(lint(file, `import { x } from '${from}';\n\nexport { x };\n`), /noRestrictedImports/, from);
  }
  t.notMatch(lint(file, "import { x } from '@rigel/contracts';\n\nexport { x };\n"), /noRestrictedImports/);
});

t.test('no package depends on a service, and no service on another', async (t) => {
  const services = new Set(readdirSync(join(REPOSITORY_DIR, 'services')).map((name) => `@rigel/${name}`));
  for (const folder of ['services', 'packages']) {
    for (const name of readdirSync(join(REPOSITORY_DIR, folder))) {
      const file = join(REPOSITORY_DIR, folder, name, 'package.json');
      const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
      const wrong = Object.keys({ ...dependencies, ...devDependencies }).filter((dependency) => services.has(dependency));
      t.same(wrong, [], `${folder}/${name}`);
    }
  }
});
