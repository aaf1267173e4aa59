import { readFileSync } from 'node:fs';

/** Set in the file that holds the whole program. */
declare const BUNDLED_RELEASE: string | undefined;

/** The release of this program. */
export function releaseOf(): string {
  if (typeof BUNDLED_RELEASE === 'string') return BUNDLED_RELEASE;
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
