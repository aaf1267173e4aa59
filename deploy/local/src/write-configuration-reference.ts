import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY_DIR } from './config.js';
import { configurationReference } from './configuration-reference.js';

// `pnpm configuration`: writes the reference that is committed.
await writeFile(join(REPOSITORY_DIR, 'docs/configuration.md'), await configurationReference());
