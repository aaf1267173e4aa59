/** What must not stay behind when a benchmark is interrupted. */
export interface Stoppable {
  stop(): Promise<unknown>;
}

const kept = new Set<Promise<Stoppable>>();

/** Has something stopped when the benchmark is interrupted, also while it is still being started. Stopping twice must do no harm. */
export async function keep<T extends Stoppable>(starting: Promise<T>): Promise<T> {
  kept.add(starting);
  try {
    return await starting;
  } catch (error) {
    kept.delete(starting);
    throw error;
  }
}

/** From now on SIGINT and SIGTERM stop what is kept, the latest first, and end this process. */
export function stopOnSignals(): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) return;
    stopping = true;
    process.stderr.write(`${signal}: stopping what was started\n`);
    for (const starting of [...kept].reverse()) {
      await starting.then((started) => started.stop()).catch(() => undefined);
    }
    process.exit(130);
  };
  process.on('SIGINT', (signal) => void stop(signal));
  process.on('SIGTERM', (signal) => void stop(signal));
}
