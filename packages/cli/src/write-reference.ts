import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reference } from './command/reference.js';
import { COMMANDS } from './commands/index.js';

writeFileSync(join(import.meta.dirname, '../../../docs/cli.md'), reference(COMMANDS));
