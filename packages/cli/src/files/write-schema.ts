import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemaFile } from './schema.js';

writeFileSync(join(import.meta.dirname, '../../../../docs/fleet.schema.json'), schemaFile());
