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
  /** Ends with 0 when the tool can build here. */
  probe: string[];
  /** Arguments of each command, one after the other. */
  commands: (options: ImageOptions, tag: string) => string[][];
}

const labelArgs = (labels: Record<string, string>): string[] =>
  Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);

const TOOLS: Tool[] = [
  {
    name: 'docker',
    // Building asks the daemon, which may not run.
    probe: ['buildx', 'inspect', '--bootstrap'],
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
    probe: ['info'],
    commands: ({ context, dockerfile, labels, file }, tag) => [
      ['build', '-f', dockerfile, '-t', tag, ...labelArgs(labels), context],
      ['save', '--format', 'oci-archive', '-o', file, tag],
    ],
  },
  {
    name: 'buildah',
    probe: ['info'],
    commands: ({ context, dockerfile, labels, file }, tag) => [
      ['build', '-f', dockerfile, '-t', tag, ...labelArgs(labels), context],
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
      await runProgram(options.context, tool.name, tool.probe);
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
