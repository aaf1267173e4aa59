import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from './refusal.js';

/**
 * The folders with the events that services wrote in this version, by their paths in the repository. The next releases
 * replay them to see that they still understand them.
 *
 * @throws Refusal when a service that has recordings of other versions has none of this one
 */
export function recordingsOf(root: string, version: string): string[] {
  const services = readdirSync(join(root, 'services')).filter((name) =>
    existsSync(join(root, 'services', name, 'recordings')),
  );
  const missing = services.filter((name) => !existsSync(join(root, 'services', name, 'recordings', version)));
  if (missing.length > 0) {
    throw new Refusal(
      `there are no recordings of ${version} for ${missing.join(', ')}: run pnpm record ${version}, look through them, and commit them`,
    );
  }
  return services.map((name) => join('services', name, 'recordings', version));
}
