import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY_DIR } from '@rigel/local';
import type { Manifest } from './render.js';

const run = promisify(execFile);

/** Where the schema of a kind is: packages made from the OpenAPI description of Kubernetes and from KEDA's definitions. */
function moduleOf({ apiVersion, kind }: Manifest): string {
  const source = apiVersion.startsWith('keda.sh/') ? '@kubernetes-models/keda' : 'kubernetes-models';
  return `${source}/${apiVersion}/${kind}`;
}

/**
 * What is wrong with manifests, a line each. Values, formats and what is required are judged by validators made from the
 * schemas; those let unknown fields pass, as the schemas do, so that these are found by the compiler: a literal of an
 * interface made from the same schemas may have no other fields.
 */
export async function problemsOf(manifests: readonly Manifest[]): Promise<string[]> {
  const problems: string[] = [];
  for (const manifest of manifests) {
    const name = `${manifest.kind} ${manifest.metadata.name}`;
    try {
      const models = (await import(moduleOf(manifest))) as Record<
        string,
        new (
          data: object,
        ) => { validate(): void }
      >;
      const Model = models[manifest.kind];
      if (Model === undefined) throw new Error('its kind is not known');
      new Model(manifest).validate();
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
    }
  }
  return [...problems, ...(await unknownFields(manifests))];
}

async function unknownFields(manifests: readonly Manifest[]): Promise<string[]> {
  // In the package of the tests, whose dependencies the imports are.
  const folder = await mkdtemp(join(REPOSITORY_DIR, 'test', 'node_modules', '.manifests-'));
  try {
    const lines = manifests.flatMap((manifest, index) => [
      `import type { I${manifest.kind} as Kind${index} } from '${moduleOf(manifest)}';`,
      `export const manifest${index}: Kind${index} = ${JSON.stringify(manifest)};`,
    ]);
    const file = join(folder, 'manifests.ts');
    await writeFile(file, lines.join('\n'));
    const tsc = join(REPOSITORY_DIR, 'node_modules', '.bin', 'tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--types', '', '--pretty', 'false'];
    const modules = ['--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2022'];
    await run(tsc, [...options, ...modules, '--ignoreConfig', file], { cwd: folder });
    return [];
  } catch (error) {
    const { stdout, message } = error as { stdout?: string; message: string };
    const lines = (stdout ?? '').split('\n').filter((line) => line.includes('error TS'));
    return lines.length > 0 ? lines : [message];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
