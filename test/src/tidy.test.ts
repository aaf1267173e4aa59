import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import t from 'tap';

/*
 * Rules for source files that no compiler and no linter looks after.
 */

const read = (path: string): string => readFileSync(join(REPOSITORY_DIR, path), 'utf8');

/** Source files below a folder, by their path in the repository. */
function sources(folder: string): string[] {
  return readdirSync(join(REPOSITORY_DIR, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ['node_modules', 'dist', 'build'].includes(entry.name) ? [] : sources(path);
    return /\.(tsx?|mjs)$/.test(entry.name) ? [path] : [];
  });
}

const ALL = ['deploy', 'packages', 'scripts', 'services', 'test'].flatMap(sources);

/** The file that a module's name means, as its source; undefined for a library and for what is generated. */
function sourceOf(from: string, name: string): string | undefined {
  const path = resolve('/', dirname(from), name).slice(1);
  const source = path.replace(/(^|\/)dist\//, '$1src/').replace(/\.js$/, '.ts');
  return [source, `${source}x`, path].find((one) => ALL.includes(one));
}

/** Files outside the sources that name programs: exports and scripts of packages, and what makes the image. */
function manifests(): string[] {
  const folders = ['deploy', 'packages', 'services'].flatMap((parent) =>
    readdirSync(join(REPOSITORY_DIR, parent)).map((name) => join(parent, name)),
  );
  const packages = ['.', 'test', ...folders].map((folder) => join(folder, 'package.json'));
  return [...packages, 'deploy/image/build.sh'].filter((file) => existsSync(join(REPOSITORY_DIR, file)));
}

/** The programs that a manifest names, from its own folder or from the repository. */
const namedBy = (manifest: string): string[] =>
  [...read(manifest).matchAll(/[\w./-]+\.m?js\b/g)].flatMap(
    ([name]) => sourceOf(manifest, `./${name}`) ?? sourceOf('.', name) ?? [],
  );

/** The one file of a name that is given without its folder: a program that is put together with `join`. */
function ofThatName(name: string): string | undefined {
  const found = ALL.filter((path) => path.endsWith(`/${name}`));
  return found.length === 1 ? found[0] : undefined;
}

t.test('every source file is used by another one, or is an entry point', async (t) => {
  const users = new Map<string, string[]>();
  // Imports, and files that are started as programs or workers: `fork(join(…, 'main.js'))`, `new URL('./worker.js',
  // …)`.
  for (const path of ALL) {
    for (const [, name = ''] of read(path).matchAll(
      /['"`]((?:\.{0,2}\/)?[\w@./-]*[\w-]+\.(?:m?js|ts))['"`]/g,
    )) {
      const target = sourceOf(path, name) ?? (name.includes('/') ? undefined : ofThatName(name));
      if (target !== undefined) users.set(target, [...(users.get(target) ?? []), path]);
    }
  }
  const entries = new Set(manifests().flatMap(namedBy));
  const unused = ALL.filter((path) => {
    if (path.endsWith('.test.ts') || entries.has(path)) return false;
    // A service is started by its name.
    if (/^services\/[\w-]+\/src\/main\.ts$/.test(path)) return false;
    // Vite is given these by its own rules.
    if (/^packages\/console\/(vite\.config\.ts|src\/main\.tsx|src\/api\/live\/worker\.ts)$/.test(path))
      return false;
    // Code that only its own test uses is not used; in `test/` everything belongs to tests.
    const own = path.startsWith('test/') ? path : path.replace(/\.ts$/, '.test.ts');
    return !(users.get(path) ?? []).some((user) => user !== path && user !== own);
  });
  t.strictSame(unused, []);
});

/** The files that a file imports, types too; what it loads later by `import()` counts as well. */
const importsOf = (path: string): string[] =>
  [...read(path).matchAll(/(?:\bfrom|\bimport\()\s*'(\.[^']*)'/g)].flatMap(
    ([, name = '']) => sourceOf(path, name) ?? [],
  );

t.test('no file imports itself through others', async (t) => {
  const circles: string[] = [];
  const done = new Set<string>();
  const follow = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' → '));
    if (way.includes(path) || done.has(path)) return;
    for (const next of importsOf(path)) follow(next, [...way, path]);
    done.add(path);
  };
  for (const path of ALL) follow(path, []);
  t.strictSame(circles, []);
});

t.test('no text becomes code or markup in the console', async (t) => {
  const risky =
    /\b(dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|setTimeout\(['"`])/;
  const found = ALL.filter((path) => path.startsWith('packages/console/src/') && risky.test(read(path)));
  t.strictSame(found, []);
});

/** The lines of a file that are comments, or end in one: number and text. */
function commentLines(text: string): { line: number; comment: string }[] {
  const found: { line: number; comment: string }[] = [];
  // Strings and templates are passed over, so that the `//` of an address begins no comment. Those that would be
  // longer than a line are regular expressions with a quote in them.
  const parts = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  for (const { 0: part, index } of text.matchAll(parts)) {
    if (!part.startsWith('/')) continue;
    const first = text.slice(0, index).split('\n').length;
    for (const [offset, comment] of part.split('\n').entries()) found.push({ line: first + offset, comment });
  }
  return found;
}

/**
 * Folders and files whose comments keep to the chapter "Language" of CONTRIBUTING.md. When you have rewritten others,
 * add them.
 */
const PLAIN = [
  'deploy/release/',
  'packages/clock/',
  'scripts/',
  'services/catalog/src/action/',
  'services/catalog/src/remote-step/',
  'services/gateway/src/testing/',
  'services/inventory/src/cluster/',
  'services/inventory/src/service/',
  'test/src/check.test.ts',
  'test/src/tidy.test.ts',
  'test/src/workflows.test.ts',
];

const MOST = 120;

const NOT_PLAIN =
  /\b(whoever|whomever|nobody|anew|so-manieth|thereby|by themselves|(?:is|are|was|were) (?:told|handed))\b/i;

t.test('comments are in plain English, in lines that fit', async (t) => {
  for (const part of PLAIN)
    t.ok(
      ALL.some((path) => path.startsWith(part)),
      `there are files of ${part}`,
    );
  for (const path of ALL.filter((path) => PLAIN.some((part) => path.startsWith(part)))) {
    const lines = read(path).split('\n');
    const comments = commentLines(lines.join('\n'));
    const long = comments.filter(({ line }) => (lines[line - 1]?.length ?? 0) > MOST);
    t.strictSame(
      long.map(({ line }) => line),
      [],
      `${path}: lines of comments over ${MOST} characters`,
    );
    const words = comments.filter(({ comment }) => NOT_PLAIN.test(comment));
    t.strictSame(words, [], `${path}: words that the chapter does not have`);
  }
});
