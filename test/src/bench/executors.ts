import { performance } from 'node:perf_hooks';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { keep } from './cleanup.js';
import { nodeCount } from './node-count.js';
import { type BenchReport, type Figure, print } from './report.js';

const EXECUTORS = [1, 2, 4];
const SLOTS = 8;
/** How often each slot of each executor is filled. */
const WAVES = 5;
const STEPS = 3;
const TASK_TIMEOUT_MS = 300_000;
/** Of the factor that doubling the executors promises. */
const GOAL_SHARE = 0.9;

/**
 * 1, 2 and 4 executors with few slots, over SSH, on nodes whose every step takes a second (`sleep 1`): the executors are
 * what there is too little of, so throughput must grow with them. The work grows with them too.
 */
export async function benchExecutors(args: string[]): Promise<BenchReport> {
  const perExecutor = nodeCount(args, SLOTS * WAVES);
  print(`executors: ${perExecutor} nodes for each executor x ${STEPS} steps of 1 s, ${SLOTS} slots each`);
  const figures: Figure[] = [];
  let single = 0;
  for (const executors of EXECUTORS) {
    const rate = await stepsPerSecond(executors, perExecutor * executors);
    if (executors === 1) single = rate;
    const factor = rate / single;
    print(
      `  ${executors} executors: ${rate.toFixed(2)} node-steps/s, ${factor.toFixed(2)} times one executor's`,
    );
    figures.push({
      name: `node-steps with ${executors} (${executors * SLOTS} at best)`,
      value: rate,
      unit: 'per second',
    });
    if (executors > 1) {
      figures.push({
        name: `factor of ${executors} executors`,
        value: factor,
        unit: 'times',
        goal: { atLeast: executors * GOAL_SHARE },
      });
    }
  }
  return { figures, skipped: [] };
}

async function stepsPerSecond(executors: number, count: number): Promise<number> {
  const rig = await keep(
    startRig({
      apart: true,
      executors,
      fastDatabase: false,
      env: { executor: { RIGEL_EXECUTOR_SLOTS: String(SLOTS) } },
    }),
  );
  try {
    const nodes = loopbackNodes(count, rig.sshd.port);
    await rig.fleet.pool(nodes);
    const sleep = { command: 'sleep 1' };
    const template = await rig.fleet.template({ a: sleep, b: sleep, c: sleep });
    const start = performance.now();
    const id = await rig.fleet.startTask(template, nodes);
    const task = await rig.fleet.ended(id, TASK_TIMEOUT_MS);
    if (task.state !== 2) throw new Error(`task ${id} ended ${task.end_reason}`);
    return (count * STEPS) / ((performance.now() - start) / 1000);
  } finally {
    await rig.stop();
  }
}
