import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { notesOf } from './changelog.js';
import { writeChecksums } from './checksums.js';
import { contractsOf } from './contracts.js';
import { buildImage } from './image.js';
import { type ImageReference, writeManifests } from './manifests.js';
import { packPackages } from './npm-packages.js';
import { checkCleanTree, checkNew, checkVersion, isPreRelease } from './preconditions.js';
import { recordingsOf } from './recordings.js';
import { runProgram } from './run-program.js';

export interface ReleaseOptions {
  /** The repository. */
  root: string;
  version: string;
  /** The folder to make; it must not exist. Default: `.rigel/release/<version>` of the repository. */
  out?: string | undefined;
  /**
   * The image in its registry. With a digest it has been built elsewhere; without one it is built here, and not pushed.
   */
  image: ImageReference;
  /** Says what goes on. */
  print: (line: string) => void;
}

/** What was made. */
export interface Release {
  folder: string;
  /** The image, as the manifests name it; its digest is unknown when it could not be built here. */
  image: ImageReference;
}

/**
 * Makes all files of a release in a folder. It publishes nothing, and changes nothing in the repository.
 *
 * @returns when the folder is complete; before that there is none
 * @throws Refusal when something has to be changed first
 */
export async function makeRelease(options: ReleaseOptions): Promise<Release> {
  const { root, version, print } = options;
  const folder = resolve(options.out ?? join(root, '.rigel', 'release', version));
  checkVersion(version);
  await checkNew(root, version, folder);
  await checkCleanTree(root);
  const notes = notesOf(await readFile(join(root, 'CHANGELOG.md'), 'utf8'), version);
  // Nothing is compared with a pre-release later on.
  const lasting = !isPreRelease(version);
  const contracts = lasting ? contractsOf(root, version) : [];
  const recordings = lasting ? recordingsOf(root, version) : [];
  const commit = (await runProgram(root, 'git', ['rev-parse', 'HEAD'])).trim();

  const scratch = await mkdtemp(join(tmpdir(), 'rigel-release-'));
  // Made aside and renamed when complete: a folder of this name is a whole release.
  const partial = `${folder}.partial`;
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    const file = (name: string): string => join(partial, name);
    await writeFile(file(`rigel-${version}-release-notes.md`), notes);

    print('packages of npm');
    await buildPublished(root);
    for (const name of await packPackages(root, version, partial, scratch)) print(`  ${name}`);

    print('list of libraries in the image (SBOM)');
    await runProgram(root, join(root, 'deploy', 'image', 'sbom.sh'), [
      file(`rigel-${version}-sbom.cdx.json`),
    ]);

    const image = await imageOf(options, commit, file(`rigel-${version}-image.oci.tar`));
    print(
      `Kubernetes manifests with ${image.name}${image.digest === undefined ? `:${version}` : `@${image.digest}`}`,
    );
    const bundle = `rigel-${version}-kubernetes`;
    await writeManifests(root, version, image, join(scratch, bundle));
    await runProgram(scratch, 'tar', ['-czf', file(`${bundle}.tar.gz`), bundle]);

    print('contracts and recordings');
    for (const { from, as } of contracts) await cp(join(root, from), file(as));
    if (recordings.length > 0)
      await runProgram(root, 'tar', ['-czf', file(`rigel-${version}-recordings.tar.gz`), ...recordings]);

    await writeChecksums(partial);
    await mkdir(dirname(folder), { recursive: true });
    await rename(partial, folder);
    return { folder, image };
  } finally {
    await rm(scratch, { recursive: true, force: true });
    await rm(partial, { recursive: true, force: true });
  }
}

/** The client's types are made from the description of the API, then all that is published is compiled. */
async function buildPublished(root: string): Promise<void> {
  const client = join(root, 'packages', 'api-client');
  const generate = ['../../docs/openapi.json', '--default-non-nullable=false', '--output', 'src/schema.ts'];
  await runProgram(client, join(client, 'node_modules', '.bin', 'openapi-typescript'), generate);
  await runProgram(root, join(root, 'node_modules', '.bin', 'tsc'), [
    '-b',
    'packages/api-client',
    'packages/cli',
  ]);
}

async function imageOf(
  { root, version, image, print }: ReleaseOptions,
  commit: string,
  file: string,
): Promise<ImageReference> {
  if (image.digest !== undefined) {
    print(`the image was built elsewhere: ${image.name}@${image.digest}`);
    return image;
  }
  print('image');
  const built = await buildImage({
    context: root,
    dockerfile: join(root, 'deploy', 'Dockerfile'),
    labels: {
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.revision': commit,
    },
    file,
  });
  if ('impossible' in built) {
    print('  no image was built:');
    for (const why of built.impossible) print(`  - ${why.replaceAll('\n', '\n    ')}`);
    return image;
  }
  print(`  ${built.digest}, built by ${built.tool}`);
  return { ...image, digest: built.digest };
}
