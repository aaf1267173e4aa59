import { Random } from '../support/random.js';
import type { StoreDefects } from './database.js';
import { fillDisks, injectFaults } from './faults.js';
import { Violation } from './promises.js';
import { Client } from './workload.js';
import { World } from './world.js';

export interface SimulationOptions {
  defects?: StoreDefects;
  /** Keep the story. */
  trace?: boolean;
}

/** What a seed came to. */
export interface SimulationResult {
  seed: number;
  /** The promise that was broken; undefined: all were kept. */
  violation: string | undefined;
  /** Two runs of a seed have the same. */
  fingerprint: string;
  events: number;
  steps: number;
  simulatedMs: number;
  trace: string[];
}

/** Things go wrong for so long, and then all has to end within so long. */
const FAULTS_MS = 60_000;
const END_MS = 30 * 60_000;
const COMPARE_EVERY_MS = 2_000;
const FULL_DISKS_SEED = 50_000_507;

/** Runs the world of one seed until all its tasks have ended, or a promise is broken. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationResult> {
  const world = new World(seed, options);
  const { timeline, promises, random } = world;
  const start = timeline.now;
  const client = new Client(world, random.fork());
  void client.work(random.integer(1, 4));
  injectFaults(world, random.fork(), start + FAULTS_MS);
  // In some seeds only, from numbers of their own: so the others stay as they are.
  const disks = new Random(seed + FULL_DISKS_SEED);
  if (disks.chance(0.3)) fillDisks(world, disks, start + FAULTS_MS);
  const compare = (): void => {
    world.compareLive();
    world.compareStopped();
    timeline.schedule(COMPARE_EVERY_MS, undefined, compare);
  };
  compare();
  let violation: string | undefined;
  try {
    await timeline.runUntil(() => promises.broken, start + FAULTS_MS);
    promises.assertKept();
    await timeline.runUntil(() => promises.broken || client.done, start + FAULTS_MS + END_MS);
    promises.assertKept();
    void client.finishAll();
    const settled = () => promises.broken || (client.allEnded && world.followedAll());
    await timeline.runUntil(settled, timeline.now + END_MS);
    promises.assertKept();
    world.compareLive();
    promises.onEnd();
    client.check();
    if (!world.followedAll())
      promises.fail(
        `of ${world.database.published.length} events the follower has had ${summary(world.followed)}`,
      );
    promises.assertKept();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error.message;
  }
  return {
    seed,
    violation,
    fingerprint: world.fingerprint(),
    events: world.database.log.length,
    steps: timeline.steps,
    simulatedMs: timeline.now - start,
    trace: world.trace,
  };
}

function summary(positions: readonly number[]): string {
  const wrong = positions.findIndex((position, index) => position <= (positions[index - 1] ?? 0));
  return wrong < 0 ? `${positions.length}` : `${positions[wrong]} after ${positions[wrong - 1]}`;
}
