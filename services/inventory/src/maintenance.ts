import {
  evolveByKind,
  projectAll,
  rebuildByProjection,
  type ServiceHistory,
} from '@rigel/event-store/maintenance';
import { clusterDecider } from './cluster/decider.js';
import { eventTypes } from './event-types.js';
import { migrations } from './migrations/index.js';
import { nodeDecider } from './node/decider.js';
import { takenMachines } from './node/taken-machines.js';
import { poolDecider } from './pool/decider.js';
import { allTemplateUses, type TemplateUse } from './pool/named-templates.js';
import { project } from './projection.js';
import { serviceDecider } from './service/decider.js';

export { allTemplateUses, type TemplateUse, takenMachines };

const table = (name: string, prefix: string) => ({ name, key: ['id'], stream: { prefix, column: 'id' } });

/**
 * The inventory's history, for programs that check and restore it. Beside the events stay the sequences, which say what
 * ids were given, and how far the scheduler's history was followed.
 */
export const inventoryHistory: ServiceHistory = {
  service: 'inventory',
  types: eventTypes,
  migrations,
  tables: [
    table('clusters', 'cluster-'),
    table('services', 'service-'),
    table('pools', 'pool-'),
    table('nodes', 'node-'),
  ],
  async replay(trx, { progress }) {
    await projectAll(trx, inventoryHistory, project, progress);
    return [];
  },
  rebuild: (db, progress) => rebuildByProjection(db, inventoryHistory, project, progress),
  evolve: evolveByKind({
    cluster: clusterDecider,
    service: serviceDecider,
    pool: poolDecider,
    node: nodeDecider,
  }),
};
