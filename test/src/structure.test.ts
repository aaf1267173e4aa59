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
import { dirname, join } from 'node:path';
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

/** The source files of a folder, by their path in it, each with the text of its imports. */
function sourcesOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
}

/** What a file imports, types too. */
const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:from|import) ?\(?'([^']+)'/g)].map(([, specifier]) => specifier as string);

/** Files of the same folder that each file imports. */
function graphOf(sources: Map<string, string>): Map<string, string[]> {
  return new Map(
    [...sources].map(([file, text]) => [
      file,
      importsOf(text)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => join(dirname(file), specifier).replace(/\.js$/, '.ts')),
    ]),
  );
}

/** All files that a file imports, itself and by way of others too. */
function reachedFrom(file: string, graph: Map<string, string[]>): Set<string> {
  const reached = new Set<string>();
  const open = [...(graph.get(file) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    open.push(...(graph.get(next) ?? []));
  }
  return reached;
}

/** Circles that are there still. Open one and take it out here; add none. */
const KNOWN_CIRCLES: Readonly<Record<string, readonly string[]>> = {
  test: ['simulation/host.ts', 'simulation/timeline.ts'],
};

t.test('no file imports itself by way of others, not even a type', async (t) => {
  const packages = ['services', 'packages', 'deploy'].flatMap((folder) =>
    readdirSync(join(REPOSITORY_DIR, folder)).map((name) => `${folder}/${name}`),
  );
  for (const name of [...packages, 'test']) {
    const folder = join(REPOSITORY_DIR, name, 'src');
    if (!existsSync(folder)) continue;
    const graph = graphOf(sourcesOf(folder));
    const inCircles = [...graph.keys()].filter((file) => reachedFrom(file, graph).has(file)).sort();
    t.same(
      inCircles.filter((file) => !KNOWN_CIRCLES[name]?.includes(file)),
      [],
      name,
    );
  }
});

const SCHEDULER = join(REPOSITORY_DIR, 'services', 'scheduler', 'src');
const isTest = (file: string): boolean => file.endsWith('.test.ts') || file.includes('testing/');

/** Files of the scheduler that only compute: the rules of tasks, and the deciders of schedules and of explanations. */
const isPure = (file: string): boolean =>
  file.startsWith('task/') ||
  /^schedule\/(events|state|decide|calendar|plan|round|dependencies)\.ts$/.test(file) ||
  /^why\/(explain|explain-run|facts|words)\.ts$/.test(file);
/** Of our packages they use shapes, and templates of commands. */
const PURE_PACKAGES = ['@rigel/contracts', '@rigel/command-template', 'croner'];

t.test('the rules of the scheduler import nothing that reads, writes or waits', async (t) => {
  for (const [file, text] of sourcesOf(SCHEDULER)) {
    if (!isPure(file) || isTest(file)) continue;
    const wrong = importsOf(withoutTypeImports(text)).filter((specifier) => {
      if (specifier.startsWith('.')) return !isPure(join(dirname(file), specifier).replace(/\.js$/, '.ts'));
      const declaresEvents = file.endsWith('events.ts') && specifier === '@rigel/event-store';
      return !declaresEvents && !PURE_PACKAGES.includes(specifier);
    });
    t.same(wrong, [], file);
  }
});

const withoutTypeImports = (text: string): string =>
  text.replaceAll(/import type \{[^}]*\} from '[^']+';/g, '');

const IMPURE = /^(pg|kysely|nats|pino|node:(?!util$).*|@rigel\/(messaging|runtime|testing)(\/.*)?)$/;

t.test('the deciders of the other services import nothing that reads, writes or waits', async (t) => {
  for (const service of ['access', 'catalog', 'inventory']) {
    const sources = sourcesOf(join(REPOSITORY_DIR, 'services', service, 'src'));
    const deciders = [...sources].filter(([file]) => file.endsWith('/decider.ts'));
    t.ok(deciders.length > 0, `${service} has deciders`);
    for (const [file, text] of deciders) {
      const wrong = importsOf(text).filter((specifier) => IMPURE.test(specifier));
      t.same(wrong, [], `${service}/${file}`);
    }
  }
});

/** What makes two runs of a simulation with the same seed differ. */
const OUTSIDE_TIME =
  /\bDate\.now\(|\bnew Date\(\)|\bset(Timeout|Interval|Immediate)\(|\bMath\.random\(|\brandomUUID\(|'node:timers/;
/** Ids of tasks are random, and nothing is decided by them. */
const RANDOM_IDS = ['operations/create-tasks.ts'];
/** Long reads give way to the engine between their parts; nothing that runs depends on when. */
const GIVE_WAY = ['schedule/calendar-reads.ts', 'schedule/ledger.ts'];

t.test(
  'what the simulation runs of the scheduler asks the given clock only, and no random source',
  async (t) => {
    const sources = sourcesOf(SCHEDULER);
    const graph = graphOf(sources);
    const simulated = [...reachedFrom('index.ts', graph)].filter(
      (file) => !RANDOM_IDS.includes(file) && !GIVE_WAY.includes(file),
    );
    t.ok(simulated.includes('engine/group-commit.ts'), 'the engine is among them');
    for (const file of simulated) t.notMatch(sources.get(file) ?? '', OUTSIDE_TIME, file);
  },
);
