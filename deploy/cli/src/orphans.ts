import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { UnknownCreation } from '@rigel/contracts';
import { takenMachines } from '@rigel/inventory/maintenance';
import { type ListedMachine, listMachines, type Providers, readProvidersFile } from '@rigel/providers';
import { makersOf, unknownCreations } from '@rigel/scheduler/maintenance';
import { localDataDir, withDatabases } from './databases.js';
import type { Output } from './output.js';
import { UsageError } from './usage-error.js';

interface Orphan {
  provider: string;
  machine: ListedMachine;
  /** Whether the run that made it is not done: then a node will have it soon. */
  underWay: boolean;
}

/** The command line shows all of them. */
const ALL = 1_000_000;

/**
 * Lists machines that no node has, and creations of unknown outcome. It never deletes: a person decides which machine is not
 * needed.
 * @returns the exit status: 0 = none, 1 = some.
 */
export async function orphans(
  { json }: { json: boolean },
  env: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const providers = readProviders(env);
  const found: Orphan[] = [];
  // Machines first, then runs, then nodes: a run that was done by then has given its machine to its node.
  const listed = await listAll(providers, output);
  const unknown = await withDatabases(env, async (open) => {
    const scheduler = await open('scheduler');
    const makers = await makersOf(
      scheduler,
      listed.flatMap(({ machine }) => machine.token ?? []),
    );
    const vmIds = listed.map(({ machine }) => machine.vmId);
    const taken = new Set(await takenMachines(await open('inventory'), vmIds));
    for (const { provider, machine } of listed) {
      if (taken.has(machine.vmId)) continue;
      const underWay = makers.get(machine.token ?? '')?.under_way === true;
      found.push({ provider, machine, underWay });
    }
    return (await unknownCreations(scheduler, ALL)).unknown.reverse().map(toLine);
  });
  if (json) {
    for (const { provider, machine, underWay } of found) {
      const { vmId, ip } = machine;
      output.out(JSON.stringify({ orphan: { provider, vm_id: vmId, ip, under_way: underWay } }));
    }
    for (const creation of unknown) output.out(JSON.stringify({ unknown_creation: creation }));
  } else {
    for (const { provider, machine, underWay } of found) {
      const where = machine.ip ? ` at ${machine.ip}` : '';
      const why = underWay ? 'its task is under way' : 'no node has it';
      output.out(`${provider}: machine ${machine.vmId}${where}: ${why}`);
    }
    for (const { task, run, at, reason } of unknown)
      output.out(`task ${task}, run ${run}, ${at}: a machine may have been made: ${reason}`);
  }
  const orphaned = found.filter(({ underWay }) => !underWay).length;
  if (!json) output.out(`${orphaned} orphaned machines, ${unknown.length} creations of unknown outcome`);
  return orphaned + unknown.length === 0 ? 0 : 1;
}

const toLine = ({ task_id, run_id, at, reason }: UnknownCreation) => ({
  task: task_id,
  run: run_id,
  at: new Date(at).toISOString(),
  reason,
});

function readProviders(env: NodeJS.ProcessEnv): Providers {
  const file = env.RIGEL_PROVIDERS_FILE
    ? resolve(env.RIGEL_PROVIDERS_FILE)
    : join(localDataDir(env), 'providers.json');
  if (!existsSync(file))
    throw new UsageError(
      `the providers are not known: ${file} does not exist (set RIGEL_PROVIDERS_FILE, or RIGEL_DATA_DIR)`,
    );
  return readProvidersFile(file, { ssh: undefined, checkSecrets: false });
}

async function listAll(
  { vm }: Providers,
  { note }: Output,
): Promise<{ provider: string; machine: ListedMachine }[]> {
  const all: { provider: string; machine: ListedMachine }[] = [];
  for (const entry of vm.values()) {
    const machines = await listMachines(entry);
    if (machines === undefined)
      note(`${entry.name} cannot list its machines: only creations of unknown outcome are known`);
    for (const machine of machines ?? []) all.push({ provider: entry.name, machine });
  }
  return all;
}
