// node scripts/bundle.mjs <folder> [release]: writes `rigel` into a folder as one file that needs nothing but Node, and its
// manual page. The package must have been compiled.
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { manual } from '../dist/command/manual.js';
import { COMMANDS } from '../dist/commands/index.js';

const home = join(import.meta.dirname, '..');
const [folder, release = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')).version] =
  process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write('usage: node scripts/bundle.mjs <folder> [release]\n');
  process.exit(2);
}
await build({
  entryPoints: [join(home, 'dist', 'main.js')],
  outfile: join(folder, 'rigel.cjs'),
  bundle: true,
  minify: true,
  platform: 'node',
  // Node starts a CommonJS file a sixth sooner than a module.
  format: 'cjs',
  target: 'node20.19',
  define: { BUNDLED_RELEASE: JSON.stringify(release) },
  legalComments: 'eof',
  logLevel: 'warning',
  // Only the program that is not bundled looks for its package.json.
  logOverride: { 'empty-import-meta': 'silent' },
});
writeFileSync(join(folder, 'rigel.1'), manual(COMMANDS, release));
