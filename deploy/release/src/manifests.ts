import { cp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isMap, parseAllDocuments, parseDocument, type YAMLSeq } from 'yaml';
import { runProgram } from './run-program.js';

/** An image by its name, and its digest when that is known. */
export interface ImageReference {
  name: string;
  digest?: string | undefined;
}

const OVERLAYS = ['dev', 'production'];

/**
 * Writes the Kubernetes manifests with what they need into a folder, as a kustomize bundle whose overlays name the
 * image: by its digest, or by the version where no digest is known. Every overlay is rendered, so that a bundle that
 * does not render is none.
 *
 * @throws ProgramError with what kustomize says; Error when an overlay would start another image
 */
export async function writeManifests(
  root: string,
  version: string,
  image: ImageReference,
  folder: string,
): Promise<void> {
  for (const part of ['kubernetes', 'nats']) {
    await cp(join(root, 'deploy', part), join(folder, part), { recursive: true });
  }
  for (const overlay of OVERLAYS) {
    const path = join(folder, 'kubernetes', 'overlays', overlay);
    await nameImage(join(path, 'kustomization.yaml'), version, image);
    await checkRendered(path, overlay, version, image);
  }
}

async function nameImage(file: string, version: string, { name, digest }: ImageReference): Promise<void> {
  const document = parseDocument(await readFile(file, 'utf8'));
  if (!document.has('images')) document.set('images', document.createNode([]));
  const images = document.get('images') as YAMLSeq;
  const entry = {
    name: 'rigel',
    newName: name,
    ...(digest === undefined ? { newTag: version } : { digest }),
  };
  const index = images.items.findIndex((one) => isMap(one) && one.get('name') === 'rigel');
  if (index < 0) images.add(document.createNode(entry));
  else images.set(index, document.createNode(entry));
  await writeFile(file, document.toString({ lineWidth: 0 }));
}

async function checkRendered(
  path: string,
  overlay: string,
  version: string,
  { name, digest }: ImageReference,
): Promise<void> {
  const kustomize = createRequire(import.meta.url).resolve('kustomize/run.js');
  const text = await runProgram(path, process.execPath, [kustomize, 'build', '.']);
  const wanted = digest === undefined ? `${name}:${version}` : `${name}@${digest}`;
  const images = parseAllDocuments(text).flatMap((document) => imagesOf(document.toJS()));
  const own = images.filter((one) => one === 'rigel' || /^rigel[:@]/.test(one) || one.startsWith(name));
  const wrong = own.find((one) => one !== wanted);
  if (wrong !== undefined || own.length === 0)
    throw new Error(`the overlay ${overlay} names ${wrong ?? 'no image'} in the place of ${wanted}`);
}

/** The images of all containers in a manifest. */
function imagesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(imagesOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) =>
    key === 'image' && typeof one === 'string' ? [one] : imagesOf(one),
  );
}
