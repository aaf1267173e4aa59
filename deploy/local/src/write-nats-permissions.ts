import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY_DIR } from './config.js';
import { natsPermissionsFile } from './secured/nats-permissions.js';

await writeFile(join(REPOSITORY_DIR, 'deploy', 'nats', 'permissions.conf'), natsPermissionsFile());
