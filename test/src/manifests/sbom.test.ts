import { execFile } from 'node:child_process';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY_DIR } from '@rigel/local';
import t from 'tap';

const PARTS = ['gateway', 'inventory', 'catalog', 'scheduler', 'executor', 'access'];

interface Component {
  purl: string;
  name: string;
  group?: string;
  version: string;
  externalReferences?: { hashes?: { alg: string; content: string }[] }[];
}

interface Manifest {
  version: string;
  dependencies?: Record<string, string>;
}

async function manifestIn(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
}

/** What a package of ours, and those of ours that it depends on, take from the registry to run: `name@version` as installed. */
async function librariesOf(folder: string, found = new Map<string, string>(), seen = new Set<string>()) {
  if (seen.has(folder)) return found;
  seen.add(folder);
  for (const [name, wanted] of Object.entries((await manifestIn(folder)).dependencies ?? {})) {
    const installed = await realpath(join(folder, 'node_modules', name));
    if (wanted.startsWith('workspace:')) await librariesOf(installed, found, seen);
    else found.set(`${name}@${(await manifestIn(installed)).version}`, folder);
  }
  return found;
}

t.test('the list of what is in the image has every library that runs there, and nothing else', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-sbom-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'sbom.cdx.json');
  await promisify(execFile)(join(REPOSITORY_DIR, 'deploy', 'image', 'sbom.sh'), [file]);
  const { bomFormat, components } = JSON.parse(await readFile(file, 'utf8')) as {
    bomFormat: string;
    components: Component[];
  };
  t.equal(bomFormat, 'CycloneDX');
  const listed = new Map(
    components.map((one) => [
      `${one.group === undefined ? '' : `${one.group}/`}${one.name}@${one.version}`,
      one,
    ]),
  );
  const folders = [...PARTS.map((part) => join('services', part)), join('deploy', 'cli')];
  const libraries = new Map<string, string>();
  for (const part of folders) await librariesOf(join(REPOSITORY_DIR, part), libraries);
  t.ok(libraries.size > 10, 'there are libraries to look for');
  for (const [library, from] of libraries) t.ok(listed.has(library), `${library} of ${from}`);
  for (const [library, { purl, externalReferences = [] }] of listed) {
    if (library.startsWith('@rigel/')) continue;
    t.match(purl, /^pkg:npm\/.+@\d/, library);
    const hashes = externalReferences.flatMap(({ hashes = [] }) => hashes);
    t.match(hashes, [{ alg: 'SHA-512', content: /^[0-9a-f]{128}$/ }], `${library} has its hash`);
  }
  const ofDevelopment = ['tap', 'typescript', '@biomejs/biome', 'fast-check', 'autocannon'];
  const found = [...listed.keys()].filter((key) => ofDevelopment.includes(key.replace(/@[^@]+$/, '')));
  t.same(found, [], 'what only development needs is not there');
});
