import { LIST_MACHINES_MS } from '@rigel/contracts';
import type { ProviderEntry } from './provider-entry.js';
import type { ListedMachine, VmProvider } from './vm-provider.js';

/**
 * The machines that a provider has for Rigel; undefined: it cannot list them.
 * @throws as `ProviderEntry.call`, or the reason of a timeout when the list takes longer than `LIST_MACHINES_MS`.
 */
export async function listMachines(entry: ProviderEntry<VmProvider>): Promise<ListedMachine[] | undefined> {
  if (!entry.provider.list) return undefined;
  return entry.call(async (provider, call) => provider.list?.(call) ?? [], {
    signal: AbortSignal.timeout(LIST_MACHINES_MS),
    correlationId: 'orphans',
  });
}
