import { runService } from '@rigel/runtime';
import { SchedulerConfig, startScheduler } from './scheduler.js';

await runService({ name: 'scheduler', config: SchedulerConfig, start: startScheduler });
