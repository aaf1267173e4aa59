import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Providers, type ReadOptions, readProvidersFile } from '../providers-file.js';

/** Providers of a providers file with this content. */
export function readEntries(content: unknown, options: ReadOptions = { ssh: undefined }): Providers {
  const folder = mkdtempSync(join(tmpdir(), 'rigel-providers-'));
  try {
    const file = join(folder, 'providers.json');
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return readProvidersFile(file, options);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
