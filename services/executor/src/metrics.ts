import type { AttemptResult, Capability } from '@rigel/contracts';
import { ProviderError } from '@rigel/providers';
import { ConnectFailure } from '@rigel/remote-attempt';
import { sampled } from '@rigel/runtime';
import { Counter, Histogram } from 'prom-client';
import type { NodeAccess } from './ssh/ssh-runner.js';
import type { Slots } from './work/slots.js';

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];

const stepDuration = new Histogram({
  name: 'rigel_step_duration_seconds',
  help: 'How long attempts of steps took that ended in this executor, by what does the step and how it ended.',
  labelNames: ['type', 'result'] as const,
  buckets: SECONDS,
});

const sshConnect = new Histogram({
  name: 'rigel_ssh_connect_duration_seconds',
  help: 'How long it took to make an SSH connection to a node, up to its use.',
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
});

const sshFailures = new Counter({
  name: 'rigel_ssh_connect_failures_total',
  help: 'SSH connections to nodes that could not be made, by the kind of failure.',
  labelNames: ['kind'] as const,
});

const providerCalls = new Histogram({
  name: 'rigel_provider_call_duration_seconds',
  help: 'How long calls to providers of machines and load balancers took, the waiting for their limits included.',
  labelNames: ['provider', 'result'] as const,
  buckets: SECONDS,
});

export function observeStep(type: Capability, { status, started_at, finished_at }: AttemptResult): void {
  stepDuration.observe({ type, result: status }, Math.max(0, finished_at - started_at) / 1_000);
}

/** The same access to nodes; each connection that is made, or fails to be, is measured. */
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

/** Makes a call to a provider and measures it. `provider` is its name in the providers file, with its kind and number. */
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
    { name: 'rigel_executor_slots', help: 'Node runs that this executor can work on at once.' },
    () => count,
  );
  sampled(
    { name: 'rigel_executor_slots_taken', help: 'Node runs that this executor is working on.' },
    () => slots.taken,
  );
}
