import {
  type ListedMachineRow,
  MAX_ASKED_MACHINES,
  MAX_SHOWN_MACHINES,
  machinesOfNodes,
  type OrphanResult,
  type ProviderLook,
  type RpcResponse,
  ServiceError,
  type UnownedMachine,
  vmProviders,
} from '@rigel/contracts';
import { assertMatches, type Bus } from '@rigel/messaging';
import type { Kysely } from 'kysely';
import { makersOf, type TokenMaker } from './makers.js';

const CONTEXT = { correlationId: 'orphans', actor: 'scheduler' };
/** Tries until the inventory has followed the tasks. */
const FOLLOW_TRIES = 5;

interface Found {
  look: ProviderLook;
  machines: ListedMachineRow[];
}

/**
 * Looks for machines that no node has. The order makes the answer right while tasks run: first the machines, then the runs, then
 * the nodes. A machine whose run was not done yet is being made. If the run was done, the inventory, which has followed its
 * events, knows the node. A machine that a task returns meanwhile is in the first list only, so what no node has is looked for
 * once more.
 * @throws ServiceError no executor or inventory answers.
 */
export async function lookForOrphans({
  bus,
  db,
  signal,
  progress,
}: {
  bus: Bus;
  db: Kysely<unknown>;
  signal: AbortSignal;
  /** Called with the number of machines looked at. */
  progress: (machines: number) => void;
}): Promise<OrphanResult> {
  const providers = await readProviders(bus);
  const looks: ProviderLook[] = [];
  const nobodys: UnownedMachine[] = [];
  const making: UnownedMachine[] = [];
  let seen = 0;
  for (const provider of providers) {
    signal.throwIfAborted();
    const { look, machines } = await listMachines(bus, provider);
    signal.throwIfAborted();
    looks.push(look);
    const makers = await makersOf(
      db,
      machines.map(({ token }) => token),
    );
    const taken = await takenMachines(
      bus,
      machines.map(({ vm_id }) => vm_id),
    );
    const unowned = machines.filter(({ vm_id }) => !taken.has(vm_id));
    const isMade = ({ token }: ListedMachineRow): boolean => makers.get(token)?.under_way === true;
    const row = (machine: ListedMachineRow) => unownedMachine(provider, machine, makers.get(machine.token));
    making.push(...unowned.filter(isMade).map(row));
    const suspects = unowned.filter((machine) => !isMade(machine));
    if (suspects.length > 0) {
      const again = await listMachines(bus, provider);
      const still = new Set(again.machines.map(({ vm_id }) => vm_id));
      const isThere = ({ vm_id }: ListedMachineRow) => again.look.outcome !== 'listed' || still.has(vm_id);
      nobodys.push(...suspects.filter(isThere).map(row));
    }
    seen += machines.length;
    progress(seen);
  }
  return {
    providers: looks,
    orphans: nobodys.length,
    being_made: making.length,
    nobodys: oldestFirst(nobodys).slice(0, MAX_SHOWN_MACHINES),
    making: oldestFirst(making).slice(0, MAX_SHOWN_MACHINES),
  };
}

type Provider = RpcResponse<typeof vmProviders.providers>['providers'][number];

async function readProviders(bus: Bus): Promise<Provider[]> {
  try {
    const answer = await bus.call(vmProviders.providers, {}, CONTEXT);
    return assertMatches(vmProviders.providers.response, answer).providers;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new ServiceError(
      'unavailable',
      `no executor with VM providers answers (${error.message}): start one with the capability vm and RIGEL_PROVIDERS_FILE`,
    );
  }
}

/** The machines of a provider. One that does not answer keeps nobody from the others' lists. */
async function listMachines(bus: Bus, { vm_type, name, lists }: Provider): Promise<Found> {
  const look = { vm_type, name, machines: 0, unreadable: 0, more: 0, reason: '' };
  if (!lists) return { look: { ...look, outcome: 'cannot_list' }, machines: [] };
  try {
    const answer = await bus.call(vmProviders.machines, { vm_type }, CONTEXT);
    const { machines, unreadable, more } = assertMatches(vmProviders.machines.response, answer);
    return { look: { ...look, outcome: 'listed', machines: machines.length, unreadable, more }, machines };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { look: { ...look, outcome: 'failed', reason: error.message.slice(0, 500) }, machines: [] };
  }
}

/** The machines that nodes have, as of a time after the call. */
async function takenMachines(bus: Bus, vmIds: readonly string[]): Promise<Set<string>> {
  const taken = new Set<string>();
  for (let from = 0; from < vmIds.length; from += MAX_ASKED_MACHINES) {
    const vm_ids = vmIds.slice(from, from + MAX_ASKED_MACHINES);
    for (const id of await takenOf(bus, vm_ids)) taken.add(id);
  }
  return taken;
}

async function takenOf(bus: Bus, vm_ids: string[]): Promise<string[]> {
  for (let tries = 1; tries <= FOLLOW_TRIES; tries++) {
    // The inventory waits for the events itself, for a second.
    const { taken, followed } = await bus.call(machinesOfNodes, { vm_ids }, CONTEXT);
    if (followed) return taken;
  }
  throw new ServiceError(
    'unavailable',
    'the inventory has not followed the tasks yet, so a machine may have a node that is not known: look again later',
  );
}

function unownedMachine(
  { vm_type, name }: Provider,
  { vm_id, ip, made }: ListedMachineRow,
  maker: TokenMaker | undefined,
): UnownedMachine {
  if (!maker) return { provider: name, vm_type, vm_id, ip, made, maker: null };
  const { token: _token, under_way: _underWay, ...known } = maker;
  return { provider: name, vm_type, vm_id, ip, made, maker: known };
}

function oldestFirst(machines: UnownedMachine[]): UnownedMachine[] {
  return machines.sort((a, b) => (a.made ?? 0) - (b.made ?? 0) || a.vm_id.localeCompare(b.vm_id));
}
