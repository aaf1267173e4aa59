import type { Labels, PoolTasks } from '@rigel/contracts';
import type { NewEvent } from '@rigel/event-store';
import type { ColumnType, Transaction } from 'kysely';

/** The read tables. Each row can be rebuilt from the events. */
export interface InventoryTables {
  clusters: {
    id: number;
    name: string;
    desc: string;
    biz: string;
  };
  services: {
    id: number;
    name: string;
    desc: string;
    service_type: string;
    docker_image: string;
    cluster_id: number;
  };
  pools: {
    id: number;
    name: string;
    desc: string;
    vm_type: number;
    sd_id: number;
    service_id: number;
    /** Written as JSON text. */
    tasks: ColumnType<PoolTasks, string, string>;
    /** Number of its rows in `nodes`. */
    node_count: number;
    protected: boolean;
    /** Labels of nodes that enter. Written as JSON text. */
    labels: ColumnType<Labels, string, string>;
  };
  nodes: {
    id: number;
    pool_id: number;
    ip: string;
    vm_id: string;
    status: 0 | 1 | 3;
    state: number;
    node_type: 'manual' | 'crontab';
    /** Canonical form of the address (`nodeIdentity` without default port) if it differs from the address. */
    machine: string | null;
    /** The last task that had it. */
    last_task: number | null;
    /** Why its last finished run failed; empty: it did not. */
    last_reason: string;
    /** Image tag that a task put on it last; empty: none did. */
    version_tag: string;
    /** Written as JSON text. */
    labels: ColumnType<Labels, string, string>;
  };
}

/** Columns of the rows that are answered. Prepared statements name them; see `prepared`. */
export const COLUMNS = {
  clusters: ['id', 'name', 'desc', 'biz'],
  services: ['id', 'name', 'desc', 'service_type', 'docker_image', 'cluster_id'],
  pools: [
    'id',
    'name',
    'desc',
    'vm_type',
    'sd_id',
    'service_id',
    'tasks',
    'node_count',
    'protected',
    'labels',
  ],
} as const;

/** For each type of event, what the data of such events, oldest first, does to the read tables. */
export type Projection<E extends NewEvent> = {
  [Type in E['type']]: (
    trx: Transaction<InventoryTables>,
    events: Extract<E, { type: Type }>['data'][],
  ) => Promise<unknown>;
};
