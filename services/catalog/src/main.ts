import { runService } from '@rigel/runtime';
import { CatalogConfig, startCatalog } from './catalog.js';

await runService({ name: 'catalog', config: CatalogConfig, start: startCatalog });
