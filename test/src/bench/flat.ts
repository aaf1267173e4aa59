import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { waitFor } from '@rigel/testing';
import { keep } from './cleanup.js';
import { HEAP_DIR } from './heap-probe.js';
import { nodeCount } from './node-count.js';
import { type NoopRig, runTask, STEPS, startNoopRig } from './noop-rig.js';
import { memoryOf, resetPeak, usageOf } from './process-usage.js';
import { type BenchReport, type Figure, median, print, shown } from './report.js';

const LARGEST = 10_000;
/** Many: on a shared machine one and the same round takes up to a half more CPU a moment later. */
const ROUNDS = 7;
/**
 * What a task costs once, whatever its size, is code that runs once for each. Servers run for weeks; ours has run each of those paths
 * this often before it is measured, so that V8 has compiled them.
 */
const WARM_UP: Shape = { name: 'warm-up', size: 1, atOnce: 20, tasks: 4_000 };
/** Nodes that are worked on at once, whatever the size of the tasks: as many as the executors have slots. */
const AT_ONCE = 1_000;
const COST_GOAL = 1.2;
const MEMORY_GOAL = 1.5;
const MEGABYTE = 2 ** 20;

/** Tasks of one size, so many at a time, so many in all. */
interface Shape {
  name: string;
  size: number;
  atOnce: number;
  tasks: number;
}

/** The same number of node runs, in tasks of different sizes. */
function shapes(largest: number): Shape[] {
  const sizes = [largest / 100, largest / 10, largest].map((size) => Math.max(1, Math.round(size)));
  return sizes.map((size) => {
    const atOnce = Math.max(1, Math.round(AT_ONCE / size));
    return {
      name: `${size} nodes${atOnce > 1 ? `, ${atOnce} tasks at once` : ''}`,
      size,
      atOnce,
      tasks: Math.round(largest / size),
    };
  });
}

/**
 * What a node-step costs, and what the processes hold in memory, when tasks get larger: 100, 1,000 and 10,000 nodes in
 * one task. The same work is done in each size, with as many nodes worked on at once (small tasks run beside each other),
 * so that it is the size of the task that is compared and not how busy the system is.
 */
export async function benchFlat(args: string[]): Promise<BenchReport> {
  const largest = nodeCount(args, LARGEST);
  const list = shapes(largest);
  print(`flat: tasks of ${list.map(({ size }) => size).join(', ')} nodes x ${STEPS} steps that do nothing`);
  const costs = await measureCosts(largest, list);
  const memory = await measureMemory(largest, list);
  return { figures: [...costs, ...memory], skipped: [] };
}

async function measureCosts(largest: number, list: Shape[]): Promise<Figure[]> {
  // A task by itself keeps the system less busy: shown beside, since small groups of reports are committed then.
  const [smallest] = list;
  const alone: Shape[] = smallest
    ? [
        {
          ...smallest,
          name: `${smallest.size} nodes, one task at a time`,
          atOnce: 1,
          tasks: Math.ceil(smallest.tasks / 4),
        },
      ]
    : [];
  const costs = new Map<Shape, number[]>([...list, ...alone].map((shape) => [shape, []]));
  const noop = await startNoopRig(largest);
  try {
    await runShape(noop, WARM_UP);
    for (const shape of list) await runShape(noop, { ...shape, tasks: Math.ceil(shape.tasks / 4) });
    for (let round = 1; round <= ROUNDS; round++) {
      // Each round begins with another size: PostgreSQL cleans up once a minute, which would meet the same one again and again.
      const turns = [...costs];
      for (const [shape, values] of [
        ...turns.slice(round % turns.length),
        ...turns.slice(0, round % turns.length),
      ]) {
        const before = await cpu(noop);
        await runShape(noop, shape);
        values.push((((await cpu(noop)) - before) / (shape.size * shape.tasks * STEPS)) * 1e6);
        print(`  round ${round}, ${shape.name}: ${shown(values.at(-1) ?? 0)} µs of CPU per node-step`);
      }
    }
  } finally {
    await noop.rig.stop();
  }
  // Each size against the mean of its own round: what the machine does from one round to the next is not of its size.
  const relative = list.map((shape) =>
    median(
      Array.from({ length: ROUNDS }, (_, round) => {
        const all = list.map((other) => costs.get(other)?.[round] ?? 0);
        const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
        return (costs.get(shape)?.[round] ?? 0) / mean;
      }),
    ),
  );
  return [
    ...[...costs].map(([{ name }, values]) => ({
      name: `cost, ${name}`,
      value: median(values),
      unit: 'µs of CPU per node-step',
    })),
    {
      name: 'cost, dearest to cheapest size',
      value: Math.max(...relative) / Math.min(...relative),
      unit: 'times',
      goal: { atMost: COST_GOAL },
    },
  ];
}

/** What each process held while tasks of one size ran. */
interface Held {
  /** Bytes, see memoryOf. */
  memory: Map<string, number>;
  /** Live heap of Node processes after a garbage collection in the middle of a task, in bytes. */
  heap: Map<string, number>;
}

async function measureMemory(largest: number, list: Shape[]): Promise<Figure[]> {
  const held: Held[] = [];
  // A system of its own for each size: memory that a process has had once it keeps for a while.
  for (const shape of list) {
    held.push(await memoryOfShape(largest, shape));
    const last = held.at(-1) as Held;
    print(
      `  memory, ${shape.name}: ${[...last.memory].map(([name, bytes]) => `${name} ${inMb(bytes)}`).join(', ')}`,
    );
    print(`    live heap: ${[...last.heap].map(([name, bytes]) => `${name} ${inMb(bytes)}`).join(', ')}`);
  }
  const first = held[0] as Held;
  const last = held.at(-1) as Held;
  return [
    ...[...last.memory].map(([name, bytes]) => ({
      name: `memory of ${name}, ${largest} nodes to ${list[0]?.size} (${inMb(bytes)} MB)`,
      value: bytes / (first.memory.get(name) ?? 1),
      unit: 'times',
      goal: { atMost: MEMORY_GOAL },
    })),
    ...[...last.heap].map(([name, bytes]) => ({
      name: `live heap of ${name}, ${largest} nodes to ${list[0]?.size} (${inMb(bytes)} MB)`,
      value: bytes / (first.heap.get(name) ?? 1),
      unit: 'times',
    })),
  ];
}

async function memoryOfShape(largest: number, shape: Shape): Promise<Held> {
  const { folder, stop: removeFolder } = await keep(temporaryFolder());
  const probe = fileURLToPath(new URL('heap-probe.js', import.meta.url));
  try {
    const noop = await startNoopRig(largest, {
      // For every service: each name begins with the empty text.
      env: { '': { NODE_OPTIONS: `--import=${probe}`, [HEAP_DIR]: folder } },
    });
    try {
      const { processes } = noop.rig.stack;
      await runShape(noop, shape);
      for (const { pid } of processes) if (pid !== undefined) await resetPeak(pid);
      await runShape(noop, shape);
      const memory = new Map<string, number>();
      for (const { name, pid } of processes)
        if (pid !== undefined) memory.set(name, (await memoryOf(pid)).bytes);
      return { memory, heap: await heapDuring(noop, shape, folder) };
    } finally {
      await noop.rig.stop();
    }
  } finally {
    await removeFolder();
  }
}

async function temporaryFolder(): Promise<{ folder: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-bench-heap-'));
  return { folder, stop: () => rm(folder, { recursive: true, force: true }) };
}

/** The live heaps while tasks are under way. */
async function heapDuring(noop: NoopRig, shape: Shape, folder: string): Promise<Map<string, number>> {
  const foreign = ['postgres', 'nats', 'nginx'];
  const services = noop.rig.stack.processes.filter(({ name }) => !foreign.includes(name));
  const running = runShape(noop, shape);
  try {
    await sleep(1_000);
    for (const { name } of services) noop.rig.stack.kill(name, 'SIGUSR2');
    const heap = new Map<string, number>();
    for (const { name, pid } of services) {
      const text = await waitFor(() => readFile(join(folder, `${pid}.json`), 'utf8'), {
        what: `${name} tells its live heap`,
        timeoutMs: 30_000,
      });
      heap.set(name, JSON.parse(text).heapUsed);
    }
    return heap;
  } finally {
    await running;
  }
}

/** Runs all tasks of a shape. */
async function runShape(noop: NoopRig, { size, atOnce, tasks }: Shape): Promise<void> {
  let next = 0;
  const lane = async (_: unknown, index: number): Promise<void> => {
    // A node is held by one task at a time: each lane has nodes of its own.
    const nodes = noop.nodes.slice(index * size, (index + 1) * size);
    while (next++ < tasks) await runTask(noop, nodes);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, tasks) }, lane));
}

async function cpu(noop: NoopRig): Promise<number> {
  let total = 0;
  for (const { pid } of noop.rig.stack.processes) if (pid !== undefined) total += (await usageOf(pid)).cpu;
  return total;
}

const inMb = (bytes: number): string => String(Math.round(bytes / MEGABYTE));
