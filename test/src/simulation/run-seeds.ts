import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { DEFECT_VARIABLE } from './defect-hooks.js';
import type { Defect } from './defects.js';
import type { SimulationResult } from './simulate.js';

const WORKER = new URL('./worker.js', import.meta.url);
const LOADER = new URL('./defect-loader.js', import.meta.url).href;

export interface RunSeedsOptions {
  /** In this order. */
  seeds: Iterable<number>;
  /** Processes that simulate. */
  jobs: number;
  trace?: boolean;
  defect?: Defect;
  /** Called with each result, in the order in which they are ready. Returns whether to go on. */
  onResult: (result: SimulationResult) => boolean;
}

/** Simulates seeds in processes of their own. Rejects when one of them fails otherwise than by a broken promise. */
export async function runSeeds({
  seeds,
  jobs,
  trace = false,
  defect,
  onResult,
}: RunSeedsOptions): Promise<void> {
  const left = seeds[Symbol.iterator]();
  let ended = false;
  const workers = new Set<ChildProcess>();
  const end = (): void => {
    ended = true;
    // One may have been led into an endless loop by the defect: nobody waits for it.
    for (const worker of workers) worker.kill('SIGKILL');
  };
  const work = async (): Promise<void> => {
    const worker = fork(WORKER, {
      execArgv: defect?.code ? ['--import', LOADER] : [],
      env: { ...process.env, [DEFECT_VARIABLE]: defect?.name ?? '' },
    });
    workers.add(worker);
    try {
      for (let next = left.next(); !next.done && !ended; next = left.next()) {
        worker.send({ seed: next.value, trace });
        const result = await answerOf(worker, next.value);
        if (!ended && !onResult(result)) end();
      }
    } catch (error) {
      if (!ended) throw error;
    } finally {
      worker.kill('SIGKILL');
      if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

function answerOf(worker: ChildProcess, seed: number): Promise<SimulationResult> {
  return new Promise((resolve, reject) => {
    const onExit = (): void =>
      reject(new Error(`the simulation of seed ${seed} broke off; it says why above`));
    worker.once('exit', onExit);
    worker.once('message', (result) => {
      worker.off('exit', onExit);
      resolve(result as SimulationResult);
    });
  });
}
