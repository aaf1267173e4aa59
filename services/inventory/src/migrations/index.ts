import type { Migration } from 'kysely/migration';
import { readTables } from './0001-read-tables.js';
import { countedNodes } from './0002-counted-nodes.js';
import { roomInNodeRows } from './0003-room-in-node-rows.js';
import { followedEvent } from './0004-followed-event.js';
import { followedPosition } from './0005-followed-position.js';
import { machines } from './0006-machines.js';
import { keptAnswers } from './0008-kept-answers.js';
import { nodeFacts } from './0009-node-facts.js';
import { nodesByStatus } from './0010-nodes-by-status.js';
import { checks } from './0011-checks.js';
import { labels } from './0012-labels.js';

/** By name, applied in the order of their names; an applied one is never edited. */
export const migrations: Record<string, Migration> = {
  '0001-read-tables': readTables,
  '0002-counted-nodes': countedNodes,
  '0003-room-in-node-rows': roomInNodeRows,
  '0004-followed-event': followedEvent,
  '0005-followed-position': followedPosition,
  '0006-machines': machines,
  '0008-kept-answers': keptAnswers,
  '0009-node-facts': nodeFacts,
  '0010-nodes-by-status': nodesByStatus,
  '0011-checks': checks,
  '0012-labels': labels,
};
