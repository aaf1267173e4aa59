import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Name of the file that says what the others are. */
export const CHECKSUMS = 'SHA256SUMS';

/** Writes the SHA-256 sums of a folder's files, in the form that `sha256sum -c SHA256SUMS` reads. */
export async function writeChecksums(folder: string): Promise<void> {
  const lines: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const digest = createHash('sha256').update(await readFile(join(folder, name)));
    lines.push(`${digest.digest('hex')}  ${name}\n`);
  }
  await writeFile(join(folder, CHECKSUMS), lines.join(''));
}
