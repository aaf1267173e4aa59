// Gives a library as one file: writes `bundle/` of the package that it is run in, `@rigel/<library>-bundle`, with code and types
// for each of its `exports`, and the licences of all that is in it. Types of a CommonJS library are `.d.cts`.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  metafile: true,
  // Optional native helpers, which are not installed: what asks for them goes on without.
  external: ['*.node', 'pg-native'],
};

/** Two things that tap finds by the places of its files. */
const TAP = {
  name: 'tap',
  setup({ onLoad }) {
    // React, to show React's elements: no test has any.
    onLoad({ filter: /\btcompare\b.*\breact-element-to-jsx-string\.js$/ }, () => ({
      contents: 'export default String;',
    }));
    // Its own files, to leave them out of stack traces.
    onLoad({ filter: /@tapjs.stack.dist.esm.index\.js$/ }, ({ path }) => {
      const begin = 'const getTestBuiltPath = () => {';
      const code = readFileSync(path, 'utf8');
      if (!code.includes(begin)) throw new Error(`${path} has changed: how does it find its own files now?`);
      return { contents: code.replace(begin, `${begin} return new URL(import.meta.url).pathname;`) };
    });
  },
};

/** What the entries of an ES module share is in a file of its own, so that there is one of it. */
async function bundleModule(entries) {
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints: entries.map(({ name, library }) => ({ in: library, out: name })),
    outdir: 'bundle',
    format: 'esm',
    splitting: true,
    plugins: [TAP],
    // For CommonJS modules within.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module';\nconst require = requireOf(import.meta.url);",
    },
  });
  for (const { name, library } of entries) {
    const hasDefault = metafile.outputs[`bundle/${name}.js`].exports.includes('default');
    const ownDefault = hasDefault ? `export { default } from '${library}';\n` : '';
    writeFileSync(`bundle/${name}.d.ts`, `export * from '${library}';\n${ownDefault}`);
  }
  return Object.keys(metafile.inputs);
}

/**
 * A CommonJS module stays one, and is not imported itself: Node would look through all of it for the names that it exports,
 * which takes longer than to read its many files.
 */
async function bundleCommonJs({ name, library }) {
  const stdin = { contents: `module.exports = require('${library}');`, resolveDir: '.' };
  const { metafile } = await build({ ...OPTIONS, stdin, outfile: `bundle/${name}.cjs`, format: 'cjs' });
  const exported = Object.keys(createRequire(`${process.cwd()}/`)(library)).filter(
    (key) => key !== 'default' && /^\w+$/.test(key),
  );
  writeFileSync(
    `bundle/${name}.js`,
    `import { createRequire } from 'node:module';

const library = createRequire(import.meta.url)('./${name}.cjs');

export default library;
export const { ${exported.join(', ')} } = library;
`,
  );
  writeFileSync(`bundle/${name}.d.cts`, `import library = require('${library}');\n\nexport = library;\n`);
  return Object.keys(metafile.inputs);
}

/** The text of the licences of the packages that these files are of. */
function licencesOf(files) {
  const folders = new Set(
    files.flatMap((file) => /.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  );
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const found = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
    const text = found.map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [`${name} ${version}`, ...(text.length > 0 ? text : [license])].join('\n\n');
  });
  return `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const library = manifest.name.replace(/^@rigel\/(.*)-bundle$/, '$1');
const entries = Object.entries(manifest.exports).map(([path, { types, default: file }]) => ({
  library: library + path.slice(1),
  name: basename(file, '.js'),
  commonJs: types.endsWith('.d.cts'),
}));

rmSync('bundle', { recursive: true, force: true });
const modules = entries.filter(({ commonJs }) => !commonJs);
const files = modules.length > 0 ? await bundleModule(modules) : [];
for (const entry of entries.filter(({ commonJs }) => commonJs)) files.push(...(await bundleCommonJs(entry)));
writeFileSync('bundle/LICENCES.txt', licencesOf(files));
