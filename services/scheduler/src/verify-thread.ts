import { runVerification } from '@rigel/event-store/verification';
import { schedulerHistory } from './maintenance/history.js';

await runVerification(schedulerHistory);
