import type { Capability } from '@rigel/contracts';
import { sampled } from '@rigel/runtime';
import { Histogram } from 'prom-client';

export const commitSize = new Histogram({
  name: 'rigel_commit_commands',
  help: 'Commands committed together in one transaction.',
  buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
});

export const commitDuration = new Histogram({
  name: 'rigel_commit_duration_seconds',
  help: 'Seconds to decide and commit a group of commands.',
  labelNames: ['result'] as const,
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
});

/** Numbers of the engine, for metrics. */
export interface EngineStats {
  tasks: number;
  leases: number;
  /** Commands that wait for their transaction. */
  waiting: number;
  /** Milliseconds since the oldest last heartbeat of a lease. */
  oldestHeartbeatMs: number;
  /** Ended runs that hold their node, because an executor could not end a command there. */
  heldBack: number;
  /** Offered runs that no executor has claimed, and the age in milliseconds of the oldest offer. */
  unclaimed: Map<Capability, { runs: number; oldestMs: number }>;
}

/** Metrics of a scheduler: what it owns and what waits there. */
export function measureEngine(options: {
  stats: () => EngineStats;
  partitions: () => number;
  /** Offers in JetStream by capability. */
  depth: () => Promise<[capability: string, offers: number][]>;
}): void {
  const { stats, partitions, depth } = options;
  sampled(
    { name: 'rigel_partitions_owned', help: 'Partitions that this scheduler owns, of 16.' },
    partitions,
  );
  sampled(
    { name: 'rigel_tasks_loaded', help: 'Tasks that this scheduler has in memory.' },
    () => stats().tasks,
  );
  sampled(
    { name: 'rigel_commands_waiting', help: 'Commands that wait for the current transaction to end.' },
    () => stats().waiting,
  );
  sampled(
    { name: 'rigel_leases_held', help: 'Leases that executors hold, of node runs of the owned tasks.' },
    () => stats().leases,
  );
  sampled(
    {
      name: 'rigel_nodes_held_back',
      help: 'Nodes still held by ended runs of the owned tasks, because an executor could not end a command there and the command may still run.',
    },
    () => stats().heldBack,
  );
  sampled(
    {
      name: 'rigel_lease_heartbeat_age_seconds',
      help: 'Age in seconds of the oldest lease heartbeat. A lease is over after 10 s.',
    },
    () => stats().oldestHeartbeatMs / 1_000,
  );
  sampled(
    {
      name: 'rigel_runs_unclaimed',
      help: 'Offered node runs that no executor has claimed.',
      labelNames: ['capability'],
    },
    () => [...stats().unclaimed].map(([capability, { runs }]) => [{ capability }, runs]),
  );
  sampled(
    {
      name: 'rigel_runs_unclaimed_oldest_seconds',
      help: 'Age in seconds of the oldest offer that no executor has claimed.',
      labelNames: ['capability'],
    },
    () => [...stats().unclaimed].map(([capability, { oldestMs }]) => [{ capability }, oldestMs / 1_000]),
  );
  sampled(
    {
      name: 'rigel_work_queue_depth',
      help: 'Offers in the JetStream work queue that no executor has taken. Every scheduler reports the same number.',
      labelNames: ['capability'],
    },
    async () => (await depth()).map(([capability, offers]) => [{ capability }, offers]),
  );
}
