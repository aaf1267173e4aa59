import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Catalogue, namesIn } from './words.js';

const SOURCES = join(import.meta.dirname, '..', '..', 'src');

const paths = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((path) =>
  /\.tsx?$/.test(path),
);
const texts = paths.map((path) => readFileSync(join(SOURCES, path), 'utf8'));
/** Files that hold words: `words.ts` of a page, and those whose name ends so. */
const catalogues = paths.filter(
  (path) => /(^|[/-])(words|common)\.ts$/.test(path) && path !== 'text/words.ts',
);

/** Keys that the code writes out, and beginnings of those that it puts together: `state.${name}`. */
const written = new Set<string>();
const beginnings = new Set<string>();
for (const [index, text] of texts.entries()) {
  if (catalogues.includes(paths[index] as string)) continue;
  for (const [, key = ''] of text.matchAll(/'([\w.]+)'/g)) written.add(key);
  for (const [, start = ''] of text.matchAll(/`([\w.]+)\$\{/g)) beginnings.add(start);
}

for (const path of catalogues) {
  t.test(path, async (t) => {
    const module = (await import(`../${path.replace(/\.ts$/, '.js')}`)) as Record<string, Catalogue<string>>;
    for (const catalogue of Object.values(module)) {
      const english = catalogue['en-US'];
      const chinese = catalogue['zh-CN'];
      const unused = Object.keys(english).filter(
        (key) => !written.has(key) && ![...beginnings].some((start) => key.startsWith(start)),
      );
      t.strictSame(unused, [], 'every key is used');
      const others = Object.keys(english).filter(
        (key) => namesIn(english[key]).sort().join() !== namesIn(chinese[key]).sort().join(),
      );
      t.strictSame(others, [], 'both languages have the same values in each message');
    }
  });
}

t.ok(catalogues.length > 1);
