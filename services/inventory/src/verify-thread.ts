import { runVerification } from '@rigel/event-store/verification';
import { inventoryHistory } from './maintenance.js';

await runVerification(inventoryHistory);
