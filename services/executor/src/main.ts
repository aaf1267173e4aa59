import { runService } from '@rigel/runtime';
import { ExecutorConfig, startExecutor } from './executor.js';

await runService({ name: 'executor', config: ExecutorConfig, start: startExecutor });
