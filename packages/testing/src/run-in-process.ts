import type { Bus } from '@rigel/messaging';
import type { Logger } from 'pino';
import { silentLogger } from './silent-logger.js';
import type { TestServers } from './test-servers.js';

/** The context of a service's start function, which a test gives here in place of the runtime. */
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
 * Runs a service's start function in the test's own process, on its own bus.
 * @returns `stop` ends it in the order of the runtime: the last part first, then the bus.
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

/** The settings that every service with a database has, for one that a test runs on these servers. */
export const settingsOn = ({ databaseUrl, natsUrl }: Pick<TestServers, 'databaseUrl' | 'natsUrl'>) => ({
  DATABASE_URL: databaseUrl,
  NATS_URL: natsUrl,
  RIGEL_SERVICE_NAME: '',
  RIGEL_LOG_LEVEL: 'info' as const,
  RIGEL_DATABASE_PASSWORD_FILE: '',
  RIGEL_MIGRATIONS: 'apply' as const,
  RIGEL_VERIFY_MINUTES: 0,
});
