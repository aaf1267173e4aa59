import { setTimeout as sleep } from 'node:timers/promises';
import type { ProviderEntry } from '../provider-entry.js';
import type { SdChangeKind, SdProvider } from '../sd-provider.js';

/** Makes a change and waits until it is verified. @returns the things that it waited for. */
export async function makeChange(
  entry: ProviderEntry<SdProvider>,
  kind: SdChangeKind,
  address: string,
): Promise<string[]> {
  const options = { signal: AbortSignal.timeout(60_000), correlationId: `test-${address}` };
  const change = await entry.call((provider, call) => provider[kind](address, call), options);
  const waits: string[] = [];
  for (;;) {
    const progress = await entry.call((provider, call) => provider.progress(change, call), options);
    if (progress.state === 'done') return waits;
    if (progress.state === 'failed') throw new Error(progress.reason);
    waits.push(progress.what);
    await sleep(50);
  }
}

/** Whether the load balancer says that requests go to the node. */
export function isRegistered(entry: ProviderEntry<SdProvider>, address: string): Promise<boolean> {
  return entry.call(async (provider, call) => (await provider.isRegistered?.(address, call)) ?? false, {
    signal: AbortSignal.timeout(30_000),
    correlationId: 'test',
  });
}
