import { EventTypes } from '@rigel/event-store';
import { type ClusterEvent, clusterEvents } from './cluster/decider.js';
import { type NodeEvent, nodeEvents } from './node/decider.js';
import { type NodesReported, reportEvents } from './node/reports.js';
import { type PoolEvent, poolEvents } from './pool/decider.js';
import { type ServiceEvent, serviceEvents } from './service/decider.js';

export type InventoryEvent = ClusterEvent | ServiceEvent | PoolEvent | NodeEvent | NodesReported;

/** Every type of event in the inventory's history; each is declared beside its rules. */
export const eventTypes = new EventTypes<InventoryEvent>({
  ...clusterEvents,
  ...serviceEvents,
  ...poolEvents,
  ...nodeEvents,
  ...reportEvents,
});
