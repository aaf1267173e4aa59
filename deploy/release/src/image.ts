import { rm } from 'node:fs/promises';
import { ProgramError, runProgram } from './run-program.js';

/** What to build. */
export interface ImageOptions {
  /** The folder with all that the Dockerfile copies. */
  context: string;
  dockerfile: string;
  labels: Record<string, string>;
  /** Where to write the image: an OCI archive (tar). */
  file: string;
}

/** The image in its file. */
export interface BuiltImage {
  digest: string;
  /** What built it. */
  tool: string;
}

interface Tool {
  name: string;
  /** Commands that end with 0 when the tool can build here; the first one that does not says why. */
  probes: string[][];
  /** Arguments of each command, one after the other. */
  commands: (options: ImageOptions, tag: string) => string[][];
}

const labelArgs = (labels: Record<string, string>): string[] =>
  Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);

/** The list of what to leave out stands beside the Dockerfile, where docker finds it by itself. */
const buildArgs = (of: { dockerfile: string; labels: Record<string, string>; tag: string }): string[] => [
  ...['build', '-f', of.dockerfile, '--ignorefile', `${of.dockerfile}.dockerignore`, '-t', of.tag],
  ...labelArgs(of.labels),
];

const TOOLS: Tool[] = [
  {
    name: 'docker',
    // Building needs the plugin, and asks the daemon, which may not run.
    probes: [
      ['buildx', 'version'],
      ['buildx', 'inspect', '--bootstrap'],
    ],
    commands: ({ context, dockerfile, labels, file }) => [
      // Without attestations: the archive then holds one image, whose digest is the one to name.
      [
        ...['buildx', 'build', '--provenance=false', '--sbom=false', '-f', dockerfile],
        ...labelArgs(labels),
        ...['--output', `type=oci,dest=${file}`, context],
      ],
    ],
  },
  {
    name: 'podman',
    probes: [['info']],
    commands: ({ context, dockerfile, labels, file }, tag) => [
      [...buildArgs({ dockerfile, labels, tag }), context],
      ['save', '--format', 'oci-archive', '-o', file, tag],
    ],
  },
  {
    name: 'buildah',
    probes: [['info']],
    commands: ({ context, dockerfile, labels, file }, tag) => [
      [...buildArgs({ dockerfile, labels, tag }), context],
      ['push', tag, `oci-archive:${file}`],
    ],
  },
];

/**
 * Builds an image with the first tool that can do it on this machine, without pushing it anywhere.
 *
 * @returns the image, or for each tool why it cannot
 */
export async function buildImage(options: ImageOptions): Promise<BuiltImage | { impossible: string[] }> {
  const impossible: string[] = [];
  for (const tool of TOOLS) {
    try {
      for (const args of tool.probes) await runProgram(options.context, tool.name, args);
    } catch (error) {
      impossible.push(whyNot(tool.name, error as ProgramError));
      continue;
    }
    try {
      for (const args of tool.commands(options, 'localhost/rigel-release'))
        await runProgram(options.context, tool.name, args);
      return { digest: await digestOf(options), tool: tool.name };
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      await rm(options.file, { force: true });
      impossible.push(error.message);
    }
  }
  return { impossible };
}

function whyNot(name: string, error: ProgramError): string {
  const { code } = error.cause as NodeJS.ErrnoException;
  return code === 'ENOENT' ? `${name} is not installed` : error.message;
}

/** The digest by which a registry knows the image when it is pushed as it is. */
async function digestOf({ context, file }: ImageOptions): Promise<string> {
  const index = JSON.parse(await runProgram(context, 'tar', ['-xOf', file, 'index.json'])) as {
    manifests: { digest: string }[];
  };
  const [image, ...more] = index.manifests;
  if (image === undefined || more.length > 0)
    throw new Error(`${file} holds ${index.manifests.length} images, and one is expected`);
  return image.digest;
}
