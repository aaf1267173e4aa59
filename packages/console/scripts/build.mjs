// Builds the console's static files into build/files, unless they were built from the same sources: `pnpm start` calls it each time.
// Files are made beside the old ones and then take their place, so a gateway never serves half of a build.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const home = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const root = resolve(home, '../..');
const files = join(home, 'build', 'files');
const stampFile = join(home, 'build', 'stamp');

function* walk(path) {
  if (!statSync(path).isDirectory()) yield path;
  else for (const name of readdirSync(path).sort()) yield* walk(join(path, name));
}

/** A digest of everything that the files are made of, the libraries by their versions. */
function digest() {
  const inputs = ['src', 'public', 'scripts', 'index.html', 'vite.config.ts', 'package.json'].map((name) =>
    join(home, name),
  );
  const hash = createHash('sha256');
  for (const path of [...inputs, join(root, 'docs', 'openapi.json'), join(root, 'pnpm-lock.yaml')]) {
    for (const file of walk(path)) hash.update(`${relative(root, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function isBuilt(stamp) {
  try {
    return readFileSync(stampFile, 'utf8') === stamp && statSync(join(files, 'index.html')).isFile();
  } catch {
    return false;
  }
}

const stamp = digest();
if (isBuilt(stamp)) process.exit(0);

process.stdout.write('building the console\n');
const { build } = await import('vite');
const fresh = join(home, 'build', `files-${process.pid}`);
await build({
  root: home,
  configFile: join(home, 'vite.config.ts'),
  logLevel: 'warn',
  build: { outDir: fresh },
});
for (const file of walk(join(fresh, 'assets'))) {
  if (file.endsWith('.map')) continue;
  const content = readFileSync(file);
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(
    `${file}.br`,
    brotliCompressSync(content, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
    }),
  );
}
rmSync(files, { recursive: true, force: true });
renameSync(fresh, files);
writeFileSync(stampFile, stamp);
