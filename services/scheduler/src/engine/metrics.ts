import type { Capability } from '@rigel/contracts';
import { sampled } from '@rigel/runtime';
import { Histogram } from 'prom-client';

export const commitSize = new Histogram({
  name: 'rigel_commit_commands',
  help: 'Commands that were committed together in one transaction.',
  buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
});

export const commitDuration = new Histogram({
  name: 'rigel_commit_duration_seconds',
  help: 'How long deciding and committing a group of commands took.',
  labelNames: ['result'] as const,
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
});

/** What the engine tells of itself when somebody asks. */
export interface EngineStats {
  tasks: number;
  leases: number;
  /** Commands that wait for their transaction. */
  waiting: number;
  /** Milliseconds since the heartbeat of a lease that is longest ago. */
  oldestHeartbeatMs: number;
  /** Runs that have ended and hold their node, because a command could not be ended there. */
  heldBack: number;
  /** Offered runs that nobody has claimed, and for how many milliseconds the oldest of them. */
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
    { name: 'rigel_partitions_owned', help: 'Partitions of tasks that this scheduler owns.' },
    partitions,
  );
  sampled(
    { name: 'rigel_tasks_loaded', help: 'Tasks that this scheduler has in memory.' },
    () => stats().tasks,
  );
  sampled(
    { name: 'rigel_commands_waiting', help: 'Commands that wait for the transaction under way to end.' },
    () => stats().waiting,
  );
  sampled(
    { name: 'rigel_leases_held', help: 'Node runs of the owned tasks that executors have the lease of.' },
    () => stats().leases,
  );
  sampled(
    {
      name: 'rigel_nodes_held_back',
      help: 'Nodes that stay held by ended runs of the owned tasks, because a command could not be ended and may still run there.',
    },
    () => stats().heldBack,
  );
  sampled(
    {
      name: 'rigel_lease_heartbeat_age_seconds',
      help: 'Since when the lease has been silent that is silent for the longest; it is over after 10 s.',
    },
    () => stats().oldestHeartbeatMs / 1_000,
  );
  sampled(
    {
      name: 'rigel_runs_unclaimed',
      help: 'Node runs that are offered and that no executor has claimed yet.',
      labelNames: ['capability'],
    },
    () => [...stats().unclaimed].map(([capability, { runs }]) => [{ capability }, runs]),
  );
  sampled(
    {
      name: 'rigel_runs_unclaimed_oldest_seconds',
      help: 'Since when the oldest unclaimed node run is offered.',
      labelNames: ['capability'],
    },
    () => [...stats().unclaimed].map(([capability, { oldestMs }]) => [{ capability }, oldestMs / 1_000]),
  );
  sampled(
    {
      name: 'rigel_work_queue_depth',
      help: 'Offers in the JetStream work queue that no executor has taken; the same at every scheduler.',
      labelNames: ['capability'],
    },
    async () => (await depth()).map(([capability, offers]) => [{ capability }, offers]),
  );
}
