import { Random } from '../support/random.js';
import { type ChaosRig, startChaosRig } from './chaos-rig.js';
import type { ChaosOptions } from './options.js';
import { failureReport, roundLine } from './report.js';
import { playRound, type RoundResult } from './round.js';

/** NATS's store is deleted in one of the first rounds. */
const FORGET_WITHIN = 3;

/**
 * Plays rounds until they are done, one is wrong, the time is up or the signal is aborted.
 * @param print is given a line for each round, and everything there is to say about one that is wrong.
 */
export async function runChaos(
  options: ChaosOptions,
  print: (text: string) => void,
  {
    signal,
    mostFaultsMs,
  }: { signal?: AbortSignal /** Length of a round's faults at most. */; mostFaultsMs?: number } = {},
): Promise<RoundResult[]> {
  const { rounds, seed, nodes, minutes, stopEvery } = options;
  const random = new Random(seed);
  const forgetIn = 1 + random.below(Math.min(rounds, FORGET_WITHIN));
  const results: RoundResult[] = [];
  const begun = Date.now();
  const system: ChaosRig = await startChaosRig(nodes, print);
  try {
    for (let round = 1; round <= rounds && !signal?.aborted; round++) {
      if (Date.now() - begun > minutes * 60_000) break;
      const result = await playRound({
        system,
        // Each round has numbers of its own: how many the last one used depends on how long it took.
        random: new Random(seed * 1_000 + round),
        stop: stopEvery > 0 && round % stopEvery === 0,
        forget: round === forgetIn,
        ...(mostFaultsMs === undefined ? {} : { mostFaultsMs }),
      });
      results.push(result);
      print(roundLine(round, result));
      if (result.problems.length === 0) continue;
      print(await failureReport(seed, round, result, system));
      break;
    }
    return results;
  } finally {
    await system.stop();
  }
}
