import { performance } from 'node:perf_hooks';
import { type Rig, type RigOptions, startRig } from '../support/rig.js';
import { keep } from './cleanup.js';

/** Steps of every task that is measured. */
export const STEPS = 3;
const TASK_TIMEOUT_MS = 600_000;

/** The whole system with nodes whose steps do nothing: what remains is what the engine costs. */
export interface NoopRig {
  rig: Rig;
  template: number;
  /** Addresses of the entered nodes. */
  nodes: string[];
}

/** Durable settings, two executors with 500 slots each. @param count how many nodes are entered. */
export async function startNoopRig(count: number, options: RigOptions = {}): Promise<NoopRig> {
  const { env = {}, ...rest } = options;
  const rig = await keep(
    startRig({
      apart: true,
      fastDatabase: false,
      profileDir: process.env.RIGEL_BENCH_PROFILE_DIR,
      ...rest,
      env: {
        ...env,
        executor: { RIGEL_EXECUTOR_CAPABILITIES: 'noop', RIGEL_EXECUTOR_SLOTS: '500', ...env.executor },
      },
    }),
  );
  try {
    const nodes = Array.from({ length: count }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    await rig.fleet.pool(nodes);
    const noop = { command: '', type: 'noop' };
    const template = await rig.fleet.template({ a: noop, b: noop, c: noop });
    return { rig, template, nodes };
  } catch (error) {
    await rig.stop();
    throw error;
  }
}

/**
 * Runs a task over nodes to its good end.
 * @returns seconds from its creation to its end.
 */
export async function runTask({ rig, template }: NoopRig, nodes: string[]): Promise<number> {
  const start = performance.now();
  const id = await rig.fleet.startTask(template, nodes);
  const task = await rig.fleet.ended(id, TASK_TIMEOUT_MS);
  if (task.state !== 2) throw new Error(`task ${id} ended ${task.end_reason}`);
  return (performance.now() - start) / 1000;
}
