import { fileURLToPath } from 'node:url';

/** Where the package of the console has its built files. */
export function builtFiles(): string {
  return fileURLToPath(new URL('build/files/', import.meta.resolve('@rigel/console/package.json')));
}
