/** How many nodes a pool has, and what was put on them. */
export interface PoolCounts {
  nodes: number;
  versions: readonly { tag: string; nodes: number }[];
}
