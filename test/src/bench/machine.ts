import { createHash } from 'node:crypto';
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { performance } from 'node:perf_hooks';

const SPEED_MS = 300;
const BLOCK = Buffer.alloc(1024);

/** Where a benchmark ran: figures of two machines are not to be compared without it. */
export interface Machine {
  cores: number;
  cpu: string;
  memoryGb: number;
  system: string;
  node: string;
  /** Processes that wanted to run, on average over the last minute, before anything was started. */
  load: number;
  /** SHA-256 of 1 KiB, times a millisecond, on one core: a slower moment of the same machine shows here. */
  speed: number;
}

export function thisMachine(): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    speed: measureSpeed(),
  };
}

export function describe({ cores, cpu, memoryGb, system, node, load, speed }: Machine): string {
  return `${cores} cores (${cpu}), ${memoryGb} GiB, ${system}, Node ${node}; load before: ${load}; ${speed} SHA-256 of 1 KiB/ms`;
}

/** How fast one core is right now. Measured beside each round where rounds are compared. */
export function measureSpeed(): number {
  const start = performance.now();
  let count = 0;
  while (performance.now() - start < SPEED_MS) {
    for (let n = 0; n < 100; n++) createHash('sha256').update(BLOCK).digest();
    count += 100;
  }
  return Math.round(count / (performance.now() - start));
}
