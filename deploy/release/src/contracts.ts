import { cp } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What clients and services agree on, as files of the repository that tests compare with the code. A release carries them under
 * its version: the next ones are compared with them.
 */
const CONTRACTS: { from: string; as: (version: string) => string }[] = [
  { from: 'docs/openapi.json', as: (version) => `rigel-${version}-openapi.json` },
];

/** Copies them into a folder. */
export async function copyContracts(root: string, version: string, out: string): Promise<void> {
  for (const { from, as } of CONTRACTS)
    await cp(join(root, from), join(out, as(version)), { recursive: true });
}
