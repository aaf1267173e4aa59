import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { REPOSITORY_DIR } from '@rigel/local';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { keep } from './cleanup.js';
import { nodeCount } from './node-count.js';
import { type BenchReport, print } from './report.js';

const NODES = 10_000;
/** Nodes that print something else than the others. */
const ODD = 2;
const FIRST_OUTPUT_MS = 2_000;
const MEMORY_MIB = 200;

interface Measured {
  /** From the start of the process to its first line of output, and to its end, in milliseconds. */
  first: number;
  all: number;
  /** The most that the process had in memory, in MiB. */
  memory: number;
  out: string;
}

/**
 * `rigel run` on all nodes of a pool, over SSH: when its first output comes, what it needs in memory, and whether equal results stand
 * together. Once with the lines as they come, once with the results together.
 */
export async function benchRunCommand(args: string[]): Promise<BenchReport> {
  const count = nodeCount(args, NODES);
  const rig = await keep(
    startRig({
      apart: true,
      executors: 2,
      env: { executor: { RIGEL_EXECUTOR_SLOTS: '100' } },
    }),
  );
  try {
    const nodes = loopbackNodes(count, rig.sshd.port);
    const { poolId } = await rig.fleet.pool(nodes);
    const odd = nodes.slice(0, ODD).map((ip) => `*" ${ip.split(':')[0]} "*`);
    const script = `case "$SSH_CONNECTION" in ${odd.join('|')}) echo odd;; *) echo even; echo of many;; esac`;
    const run = (...flags: string[]) =>
      measure(rig.stack.httpUrl, ['run', '-p', String(poolId), ...flags, '--yes', '--', script]);
    print(`run: ${count} nodes`);
    const live = await run('--live', '--at-once', '200');
    print(
      `  --live: first line after ${Math.round(live.first)} ms, all after ${Math.round(live.all / 1_000)} s, ${live.memory} MiB`,
    );
    const lines = live.out.trim().split('\n');
    const expected = ODD + (count - ODD) * 2;
    if (lines.length !== expected) throw new Error(`${lines.length} lines were printed, not ${expected}`);
    const together = await run();
    print(`  together: all after ${Math.round(together.all / 1_000)} s, ${together.memory} MiB`);
    const groups = together.out.split('\n').filter((line) => / succeeded: /.test(line));
    const right = [
      `${(count - ODD).toLocaleString('en')} nodes succeeded: `,
      `${ODD} nodes succeeded: ${nodes.slice(0, ODD).join(' ')}`,
    ];
    if (groups.length !== 2 || !right.every((begin, at) => groups[at]?.startsWith(begin)))
      throw new Error(`the groups are wrong:\n${together.out.slice(0, 2_000)}`);
    return {
      figures: [
        {
          ...{ name: 'run: the first line of output', value: live.first, unit: 'ms' },
          goal: { atMost: FIRST_OUTPUT_MS },
        },
        {
          ...{ name: 'run: memory with lines as they come', value: live.memory, unit: 'MiB' },
          goal: { atMost: MEMORY_MIB },
        },
        {
          ...{ name: 'run: memory with results together', value: together.memory, unit: 'MiB' },
          goal: { atMost: MEMORY_MIB },
        },
      ],
      skipped: [],
    };
  } finally {
    await rig.stop();
  }
}

function measure(url: string, args: string[]): Promise<Measured> {
  const begun = performance.now();
  const child = spawn(process.execPath, [join(REPOSITORY_DIR, 'packages/cli/dist/main.js'), ...args], {
    env: { ...process.env, RIGEL_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let first = Number.NaN;
  let memory = 0;
  let out = '';
  let err = '';
  const look = setInterval(() => {
    memory = Math.max(memory, peakOf(child.pid));
  }, 250);
  child.stdout.on('data', (part) => {
    if (Number.isNaN(first)) first = performance.now() - begun;
    out += part;
  });
  child.stderr.on('data', (part) => {
    err += part;
  });
  return new Promise((resolve, reject) => {
    child.once('close', (status) => {
      clearInterval(look);
      if (status === 0) resolve({ first, all: performance.now() - begun, memory, out });
      else reject(new Error(`rigel ended with ${status}: ${err.slice(-2_000)}`));
    });
  });
}

/** The most memory that a process had, in MiB. */
function peakOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1_024);
  } catch {
    return 0;
  }
}
