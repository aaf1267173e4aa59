import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ListedMachine, type Providers, readProvidersFile } from '@rigel/providers';
import { type Kysely, sql } from 'kysely';
import { localDataDir, withDatabases } from './databases.js';
import type { Output } from './output.js';
import { UsageError } from './usage-error.js';

const LIST_MS = 120_000;

interface Orphan {
  provider: string;
  machine: ListedMachine;
  /** Whether the run that made it is not done: then a node will have it soon. */
  underWay: boolean;
}

interface UnknownCreation {
  task: number;
  run: number;
  at: string;
  reason: string;
}

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
  // Machines first: if a node gets one meanwhile, the nodes, which are read later, show it.
  const listed = await listMachines(providers, output);
  const unknown = await withDatabases(env, async (open) => {
    const known = await vmIdsOfNodes(await open('inventory'));
    const scheduler = await open('scheduler');
    const unowned = listed.filter(({ machine }) => !known.has(machine.vmId));
    const underWay = await unfinished(
      scheduler,
      unowned.flatMap(({ machine }) => machine.token ?? []),
    );
    for (const { provider, machine } of unowned)
      found.push({ provider, machine, underWay: underWay.has(machine.token ?? '') });
    return unknownCreations(scheduler);
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

async function listMachines(
  { vm }: Providers,
  { note }: Output,
): Promise<{ provider: string; machine: ListedMachine }[]> {
  const all: { provider: string; machine: ListedMachine }[] = [];
  for (const entry of vm.values()) {
    if (!entry.provider.list) {
      note(`${entry.name} cannot list its machines: only creations of unknown outcome are known`);
      continue;
    }
    const machines = await entry.call(async (provider, call) => provider.list?.(call) ?? [], {
      signal: AbortSignal.timeout(LIST_MS),
      correlationId: 'orphans',
    });
    for (const machine of machines) all.push({ provider: entry.name, machine });
  }
  return all;
}

async function vmIdsOfNodes(inventory: Kysely<unknown>): Promise<Set<string>> {
  const { rows } = await sql<{ vm_id: string }>`SELECT vm_id FROM nodes WHERE vm_id <> ''`.execute(inventory);
  return new Set(rows.map(({ vm_id }) => vm_id));
}

/** The tokens whose node run is not done yet. */
async function unfinished(scheduler: Kysely<unknown>, tokens: string[]): Promise<Set<string>> {
  const ids = tokens.flatMap((token) => /-r(\d+)$/.exec(token)?.[1] ?? []);
  if (ids.length === 0) return new Set();
  const { rows } = await sql<{ token: string }>`
    SELECT (e.data->>'uuid') || '-r' || r.id AS token
    FROM runs r JOIN events e ON e.stream = 'task-' || r.task_id AND e.version = 1
    WHERE r.id = ANY(${ids}) AND r.state IN (0, 1)`.execute(scheduler);
  return new Set(rows.map(({ token }) => token));
}

async function unknownCreations(scheduler: Kysely<unknown>): Promise<UnknownCreation[]> {
  const { rows } = await sql<{ stream: string; run: number; reason: string | null; at: number }>`
    SELECT e.stream, (c.data->>'firstRunId')::float + (e.data->>'run')::float AS run,
      e.data->>'reason' AS reason, e.recorded_at AS at
    FROM events e JOIN events c ON c.stream = e.stream AND c.version = 1
    WHERE e.type IN ('AttemptFailed', 'AttemptStopped', 'AttemptSucceeded') AND e.data->>'unknownMachine' = 'true'
    ORDER BY e.position`.execute(scheduler);
  return rows.map(({ stream, run, reason, at }) => ({
    task: Number(stream.slice('task-'.length)),
    run,
    at: new Date(Number(at)).toISOString(),
    reason: reason || 'the provider made more machines than it was asked for',
  }));
}
