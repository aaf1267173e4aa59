import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ImageReference } from './manifests.js';
import { Refusal } from './refusal.js';
import { makeRelease } from './release.js';

const USAGE = `usage: pnpm release <version> [--out <folder>] [--image <name>[@sha256:<digest>]]
Makes all files of a release in a folder (.rigel/release/<version>) and publishes nothing: see RELEASING.md.
  --image   where the image is to be pushed (registry.example.com/rigel). With a digest it is there already, and is not built.`;

const DEFAULT_IMAGE = 'registry.example.com/rigel';
/** All but the image was made. */
const STATUS_WITHOUT_IMAGE = 3;

/** Where the lines go. */
export interface Output {
  print: (line: string) => void;
  complain: (line: string) => void;
}

/**
 * Runs the command.
 *
 * @returns its exit status: 0 for a whole release, 1 for none, 2 for a wrong command, 3 for a release without its image
 */
export async function run(
  root: string,
  args: readonly string[],
  { print, complain }: Output,
): Promise<number> {
  let given: ReturnType<typeof read>;
  try {
    given = read(args);
  } catch (error) {
    complain(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  try {
    const { folder, image } = await makeRelease({ root, ...given, print });
    print(`made: ${folder}`);
    if (image.digest !== undefined) return 0;
    complain(
      `rigel ${given.version} has no image, and its manifests name ${image.name}:${given.version}, not a digest. Install docker with ` +
        'buildx, podman or buildah and run this again, or build the image elsewhere and name it with --image <name>@sha256:<digest>',
    );
    return STATUS_WITHOUT_IMAGE;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    complain(`no release: ${error instanceof Refusal ? error.message : (error.stack ?? error.message)}`);
    return 1;
  }
}

function read(args: readonly string[]): { version: string; out: string | undefined; image: ImageReference } {
  const { values, positionals } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    allowPositionals: true,
    options: { out: { type: 'string' }, image: { type: 'string', default: DEFAULT_IMAGE } },
  });
  const [version, ...more] = positionals;
  if (version === undefined || more.length > 0) throw new Error('name one version');
  const [, name, digest] = /^([\w./:-]+?)(?:@(sha256:[0-9a-f]{64}))?$/.exec(values.image) ?? [];
  if (name === undefined || /:[^/]*$/.test(name))
    throw new Error(
      `--image ${values.image} is wrong: give a name without a tag, or name@sha256:<64 hex digits>`,
    );
  return { version, out: values.out, image: { name, digest } };
}

/** The repository that this file is in. */
export const ROOT = join(import.meta.dirname, '..', '..', '..');
