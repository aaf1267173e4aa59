import type { AttemptResult, Capability } from '@rigel/contracts';
import { ProviderError } from '@rigel/providers';
import { ConnectFailure } from '@rigel/remote-attempt';
import { sampled } from '@rigel/runtime';
import { Counter, Histogram } from 'prom-client';
import type { NodeAccess } from './ssh/node-access.js';
import type { Slots } from './work/slots.js';

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];

const stepDuration = new Histogram({
  name: 'rigel_step_duration_seconds',
  help: 'Duration in seconds of the attempts that ended in this executor, by kind of step (type) and result.',
  labelNames: ['type', 'result'] as const,
  buckets: SECONDS,
});

const sshConnect = new Histogram({
  name: 'rigel_ssh_connect_duration_seconds',
  help: 'Duration in seconds of making an SSH connection to a node, until it can be used.',
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
});

const sshFailures = new Counter({
  name: 'rigel_ssh_connect_failures_total',
  help: 'Number of SSH connections to nodes that failed, by kind of failure.',
  labelNames: ['kind'] as const,
});

const providerCalls = new Histogram({
  name: 'rigel_provider_call_duration_seconds',
  help: 'Duration in seconds of calls to VM and load balancer providers, including the wait for their limits.',
  labelNames: ['provider', 'result'] as const,
  buckets: SECONDS,
});

export function observeStep(type: Capability, { status, started_at, finished_at }: AttemptResult): void {
  stepDuration.observe({ type, result: status }, Math.max(0, finished_at - started_at) / 1_000);
}

/** The same access to nodes, with metrics of its connections and failures. */
export function measuredAccess(access: NodeAccess): NodeAccess {
  return {
    ...access,
    connect: async (...request) => {
      const begun = performance.now();
      try {
        const connection = await access.connect(...request);
        sshConnect.observe((performance.now() - begun) / 1_000);
        return connection;
      } catch (error) {
        if (error instanceof ConnectFailure) sshFailures.inc({ kind: error.kind });
        throw error;
      }
    },
  };
}

/**
 * Makes a call to a provider and measures it. `provider` has its name from the providers file, with kind and number.
 */
export async function measuredCall<T>(provider: string, call: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  let result = 'succeeded';
  try {
    return await call();
  } catch (error) {
    result = error instanceof ProviderError ? error.kind : 'broken_off';
    throw error;
  } finally {
    providerCalls.observe({ provider, result }, (performance.now() - begun) / 1_000);
  }
}

export function measureSlots(slots: Slots, count: number): void {
  sampled(
    { name: 'rigel_executor_slots', help: 'Number of node runs that this executor can work on at once.' },
    () => count,
  );
  sampled(
    { name: 'rigel_executor_slots_taken', help: 'Number of node runs that this executor works on.' },
    () => slots.taken,
  );
}
