import { runService } from '@rigel/runtime';
import { InventoryConfig, startInventory } from './inventory.js';

await runService({ name: 'inventory', config: InventoryConfig, start: startInventory });
