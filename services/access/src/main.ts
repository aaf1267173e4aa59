import { runService } from '@rigel/runtime';
import { AccessConfig, startAccess } from './access.js';

await runService({ name: 'access', config: AccessConfig, start: startAccess });
