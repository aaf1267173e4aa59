import { runVerification } from '@rigel/event-store/verification';
import { catalogHistory } from './maintenance.js';

await runVerification(catalogHistory);
