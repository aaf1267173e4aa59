import type { PoolTasks } from '@rigel/contracts';
import type { ColumnType } from 'kysely';

/** The read tables; each row can be made again from the events. */
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
  };
  nodes: {
    id: number;
    pool_id: number;
    ip: string;
    vm_id: string;
    status: 0 | 1 | 3;
    state: number;
    node_type: 'manual' | 'crontab';
  };
}
