import { runVerification } from '@rigel/event-store/verification';
import { accessHistory } from './maintenance.js';

await runVerification(accessHistory);
