import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { loopbackNodes } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';
import { keep } from './cleanup.js';
import { memoryOf, resetPeak, usageOf } from './process-usage.js';
import { type BenchReport, type Figure, print } from './report.js';

const NOOP_NODES = 2_000;
const SSH_NODES = 300;
const IDLE_MS = 15_000;
const TASK_TIMEOUT_MS = 600_000;
const MIB = 1024 * 1024;

/** What a process took while something went on. */
interface Taken {
  /** Most memory that it held, in MiB; of PostgreSQL, what its processes hold of their own. */
  memory: number;
  /** Processor time, in thousandths of a core. */
  millicores: number;
}

/**
 * Memory and processor time of each process of a secured system: idle, during a task of nodes whose steps do nothing, and during
 * one over SSH. The requests and limits in `deploy/kubernetes` are made from it.
 */
export async function benchFootprint(args: string[]): Promise<BenchReport> {
  const noopNodes = args[0] === undefined ? NOOP_NODES : Number(args[0]);
  const rig = await keep(
    startRig({
      apart: true,
      secured: true,
      fastDatabase: false,
      env: { executor: { RIGEL_EXECUTOR_CAPABILITIES: 'ssh,noop' } },
    }),
  );
  try {
    const noop = { command: '', type: 'noop' };
    const command = { command: 'echo hello' };
    const noopTemplate = await rig.fleet.template({ a: noop, b: noop, c: noop });
    const sshTemplate = await rig.fleet.template({ a: command, b: command, c: command });
    const noops = loopbackNodes(noopNodes, 22, 10_000);
    const nodes = loopbackNodes(SSH_NODES, rig.sshd.port);
    const phases: [string, () => Promise<unknown>][] = [
      ['idle', () => sleep(IDLE_MS)],
      [`${noopNodes} nodes entered`, () => rig.fleet.pool(noops)],
      [`${noopNodes} nodes, noop`, () => run(rig, noopTemplate, noops)],
      [`${SSH_NODES} nodes entered`, () => rig.fleet.pool(nodes)],
      [`${SSH_NODES} nodes, SSH`, () => run(rig, sshTemplate, nodes)],
    ];
    const figures: Figure[] = [];
    for (const [phase, work] of phases) {
      const { seconds, taken } = await during(rig, work);
      print(`footprint: ${phase}, ${seconds.toFixed(1)} s`);
      for (const [name, { memory, millicores }] of taken) {
        print(
          `  ${name.padEnd(12)} ${memory.toFixed(0).padStart(5)} MiB ${millicores.toFixed(0).padStart(6)} m`,
        );
        figures.push({ name: `${name}, ${phase}: memory`, value: memory, unit: 'MiB' });
        figures.push({ name: `${name}, ${phase}: processor`, value: millicores, unit: 'millicores' });
      }
    }
    return { figures, skipped: [] };
  } finally {
    await rig.stop();
  }
}

async function run({ fleet }: Rig, template: number, nodes: string[]): Promise<void> {
  const task = await fleet.ended(await fleet.startTask(template, nodes), TASK_TIMEOUT_MS);
  if (task.state !== 2) throw new Error(`task ${task.id} ended ${task.end_reason}`);
}

async function during(
  { stack }: Rig,
  work: () => Promise<unknown>,
): Promise<{ seconds: number; taken: Map<string, Taken> }> {
  const processes = stack.processes.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]));
  const before = new Map<string, number>();
  for (const { name, pid } of processes) {
    await resetPeak(pid);
    before.set(name, (await usageOf(pid)).cpu);
  }
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  const taken = new Map<string, Taken>();
  for (const { name, pid } of processes) {
    const cpu = (await usageOf(pid)).cpu - (before.get(name) ?? 0);
    const { bytes } = await memoryOf(pid);
    taken.set(name, { memory: bytes / MIB, millicores: (cpu / seconds) * 1000 });
  }
  return { seconds, taken };
}
