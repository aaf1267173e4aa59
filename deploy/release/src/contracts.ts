import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from './refusal.js';

/**
 * What clients and services agree on, as each release keeps it: `<version>.json` of a folder. Tests compare the code
 * with the files of the last release.
 */
const KEPT: { folder: string; as: (version: string) => string }[] = [
  { folder: 'docs/openapi', as: (version) => `rigel-${version}-openapi.json` },
  { folder: 'packages/contracts/schemas/releases', as: (version) => `rigel-${version}-nats-messages.json` },
];

/** A file of the repository, and its name in a release. */
export interface KeptFile {
  from: string;
  as: string;
}

/**
 * The contracts of a version.
 *
 * @throws Refusal when one is kept for other versions and not for this one
 */
export function contractsOf(root: string, version: string): KeptFile[] {
  return KEPT.filter(({ folder }) => existsSync(join(root, folder))).map(({ folder, as }) => {
    const from = join(folder, `${version}.json`);
    if (!existsSync(join(root, from)))
      throw new Refusal(
        `${from} is missing: run pnpm keep-contracts ${version}, look at what changed, and commit it`,
      );
    return { from, as: as(version) };
  });
}
