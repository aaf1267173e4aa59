import { performance } from 'node:perf_hooks';
import { usageOf } from '../process-usage.js';
import { print } from '../report.js';

/** A way to run the compared system: what can be chosen about it. */
export interface Setting {
  /** What it is, for people. */
  name: string;
  atOnce: number;
}

/** What was measured of a compared system. */
export interface PeerResult {
  setting: Setting;
  runs: number;
  stepsPerSecond: number;
  /** CPU µs for each step, by process. */
  cpu: Map<string, number>;
}

/** Processes whose CPU time counts, by name. */
export type Pids = Record<string, number>;

const STEPS = 3;

/** Measures so many runs of three steps. */
export async function measure(
  setting: Setting,
  runs: number,
  pids: Pids,
  run: (runs: number, atOnce: number) => Promise<void>,
): Promise<PeerResult> {
  const before = await usages(pids);
  const start = performance.now();
  await run(runs, setting.atOnce);
  const seconds = (performance.now() - start) / 1000;
  const after = await usages(pids);
  const cpu = new Map<string, number>();
  for (const [name, used] of after) {
    cpu.set(name, ((used - (before.get(name) ?? 0)) / (runs * STEPS)) * 1e6);
  }
  return { setting, runs, stepsPerSecond: (runs * STEPS) / seconds, cpu };
}

/** Says what a result came to. */
export function printResult(peer: string, { setting, runs, stepsPerSecond, cpu }: PeerResult): void {
  const parts = [...cpu].map(([name, micros]) => `${name} ${Math.round(micros)}`).join(', ');
  print(
    `  ${peer}, ${setting.name}: ${runs} x ${STEPS} steps, ${Math.round(stepsPerSecond)} steps/s; CPU µs per step: ${parts}`,
  );
}

/** The one that does most steps in a second. */
export function fastest(results: readonly PeerResult[]): PeerResult {
  const [best] = [...results].sort((a, b) => b.stepsPerSecond - a.stepsPerSecond);
  if (!best) throw new Error('nothing was measured');
  return best;
}

async function usages(pids: Pids): Promise<Map<string, number>> {
  const used = new Map<string, number>();
  for (const [name, pid] of Object.entries(pids)) used.set(name, (await usageOf(pid)).cpu);
  return used;
}
