import type { ProviderEntry, VmProvider } from '@rigel/providers';
import type { Logger } from 'pino';
import { measuredCall } from '../metrics.js';
import type { ClaimedRun } from '../step-runner.js';

/** How long one question to a provider may take; the next look asks again. */
const ASK_MS = 20_000;

/** A text that says that the node's machine is gone, if its provider says so; else undefined. Never throws. */
export type MachineGone = (claimed: ClaimedRun, abandon: AbortSignal) => Promise<string | undefined>;

/**
 * Asks the provider of a node's machine whether the machine still exists: a node that cannot be reached because its
 * machine is gone runs nothing. A node without a machine, or with a provider that this executor does not have, never
 * counts as gone.
 */
export function askForMachine(
  providers: ReadonlyMap<number, ProviderEntry<VmProvider>>,
  log: Logger,
): MachineGone {
  return async (claimed, abandon) => {
    const { vmId } = claimed.node;
    const entry = providers.get(providerNumber(claimed));
    if (vmId === '' || entry === undefined) return undefined;
    try {
      const { state } = await measuredCall(entry.name, () =>
        entry.call((provider, call) => provider.describe(vmId, call), {
          signal: AbortSignal.any([abandon, AbortSignal.timeout(ASK_MS)]),
          correlationId: claimed.plan.correlation_id,
        }),
      );
      return state === 'gone' ? `machine ${vmId} is gone, as ${entry.name} says` : undefined;
    } catch (error) {
      log.warn(
        { vm_id: vmId, provider: entry.name, reason: String(error) },
        'a provider did not say whether a machine still exists',
      );
      return undefined;
    }
  };
}

/** The number of the provider that the plan's create_vm or return_vm names; else the pool's. */
function providerNumber({ plan }: ClaimedRun): number {
  for (const { kind, param_values } of plan.steps) {
    const own = Number(kind === 'vm' ? param_values.vm_type_id : undefined);
    if (Number.isSafeInteger(own) && own > 0) return own;
  }
  return plan.vm_type ?? 0;
}
