import {
  type ListedMachineRow,
  MACHINE_WORD,
  MAX_LISTED_MACHINES,
  type RpcResponse,
  ServiceError,
  vmProviders,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import { type ListedMachine, listMachines, type ProviderEntry, type VmProvider } from '@rigel/providers';
import { messageOf } from '../message-of.js';
import { measuredCall } from '../metrics.js';

type VmEntry = ProviderEntry<VmProvider>;

/** Lists that an executor reads at one time, for all who ask. */
const CONCURRENCY = 4;
const WORD = new RegExp(MACHINE_WORD);
const MAX_WORD = 255;

/**
 * Serves what the VM providers of this executor have, for those who look for machines that no node has. An executor without a VM
 * provider serves nothing, so that the question goes to one that has some. Everything that a provider says is checked: a machine
 * whose id is no word is counted and left out.
 */
export function serveMachineLists(
  bus: Pick<Bus, 'serve'>,
  vm: ReadonlyMap<number, VmEntry>,
): () => Promise<void> {
  if (vm.size === 0) return async () => undefined;
  const ends = [
    bus.serve(vmProviders.providers, async () => ({
      providers: [...vm].map(([vm_type, { name, provider }]) => ({
        vm_type,
        name,
        lists: provider.list !== undefined,
      })),
    })),
    bus.serve(
      vmProviders.machines,
      async ({ vm_type }) => {
        const entry = vm.get(vm_type);
        if (!entry)
          throw new ServiceError('not_found', `this executor has no VM provider ${vm_type}`, 'vm_type');
        return readable(await listOf(entry));
      },
      { concurrency: CONCURRENCY },
    ),
  ];
  return async () => {
    await Promise.all(ends.map((end) => end()));
  };
}

async function listOf(entry: VmEntry): Promise<ListedMachine[]> {
  try {
    return (await measuredCall(entry.name, () => listMachines(entry))) ?? [];
  } catch (error) {
    throw new ServiceError('unavailable', `${entry.name}: ${messageOf(error)}`);
  }
}

/** The machines in the form of the contract. */
export function readable(listed: readonly ListedMachine[]): RpcResponse<typeof vmProviders.machines> {
  const named = listed.slice(0, MAX_LISTED_MACHINES);
  const machines = named.flatMap((machine): ListedMachineRow[] => {
    const { vmId, ip, token = '', madeAt } = machine;
    if (!isWord(vmId) || vmId === '' || !isWord(ip)) return [];
    const made = Number.isSafeInteger(madeAt) && (madeAt ?? -1) >= 0 ? (madeAt ?? null) : null;
    return [{ vm_id: vmId, ip, token: isWord(token) ? token : '', made }];
  });
  return { machines, unreadable: named.length - machines.length, more: listed.length - named.length };
}

const isWord = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_WORD && WORD.test(value);
