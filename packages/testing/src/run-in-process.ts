import type { Bus } from '@rigel/messaging';
import type { Logger } from 'pino';
import { silentLogger } from './silent-logger.js';

/** What a service's start function gets from the runtime, here from a test. */
interface StartContext<Config> {
  config: Config;
  name: string;
  log: Logger;
  bus: Bus;
  readiness: { add(checks: object): void };
  signal: AbortSignal;
  onShutdown: (what: string, stop: () => Promise<void> | void) => void;
}

/**
 * Runs a service's start function in the test's own process, on a bus of its own.
 * @returns how to end it: in the order in which the runtime would, the last part first, then the bus.
 */
export async function runInProcess<Config>(
  start: (context: StartContext<Config>) => Promise<void>,
  options: { name: string; bus: Bus; config: Config; log?: Logger },
): Promise<{ stop: () => Promise<void> }> {
  const stopping = new AbortController();
  const steps: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    stopping.abort();
    for (const step of steps.splice(0).reverse()) await step();
    await options.bus.close();
  };
  try {
    await start({
      log: silentLogger,
      ...options,
      readiness: { add: () => undefined },
      signal: stopping.signal,
      onShutdown: (_, step) => steps.push(step),
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}
