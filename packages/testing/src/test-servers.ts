import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureNatsServer, type ServerHandle, startNats, startPostgres } from '@rigel/local-servers';
import { Bus } from '@rigel/messaging';
import { silentLogger } from './silent-logger.js';
import { TEST_CACHE_DIR } from './test-cache.js';

/** A real PostgreSQL and a real NATS server, for one test file. */
export interface TestServers {
  /** An empty database. */
  databaseUrl: string;
  natsUrl: string;
  /** A connection to NATS; `stop` closes it, if the test has not. */
  startBus: (name: string) => Promise<Bus>;
  /** Ends NATS; its clients keep trying to connect. */
  stopNats: () => Promise<void>;
  /** Starts NATS again, on the same port. */
  startNats: (options?: {
    /** Start with an empty store, as if its disk had been lost. */
    forget?: boolean;
  }) => Promise<void>;
  /** Ends PostgreSQL with a normal shutdown. */
  stopPostgres: () => Promise<void>;
  /** Starts PostgreSQL again, on the same port, with the same data. */
  startPostgres: () => Promise<void>;
  /** Ends everything and removes every file. */
  stop: () => Promise<void>;
}

/**
 * Starts both servers on free ports, in a temporary folder. Call `stop` in the teardown of the test file; if the
 * process ends without it, the servers are killed.
 */
export async function startTestServers(): Promise<TestServers> {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-test-'));
  const running = new Set<ServerHandle>();
  const cleanUp = (): void => {
    for (const { pid } of running) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', cleanUp);

  const storeDir = join(folder, 'nats');
  const binary = await ensureNatsServer({
    cacheDir: TEST_CACHE_DIR,
    log: (line) => silentLogger.info(line),
  });
  const runNats = async (port?: number): Promise<ServerHandle> => {
    const server = await startNats({
      binary,
      storeDir,
      logFile: join(folder, 'nats.log'),
      ...(port === undefined ? {} : { port }),
    });
    running.add(server);
    return server;
  };
  const runPostgres = async (port?: number): Promise<ServerHandle> => {
    const server = await startPostgres({
      dataDir: join(folder, 'postgres'),
      logFile: join(folder, 'postgres.log'),
      unsafeFast: true,
      templateDir: TEST_CACHE_DIR,
      ...(port === undefined ? {} : { port }),
    });
    running.add(server);
    return server;
  };
  const end = async (server: ServerHandle): Promise<void> => {
    await server.stop();
    running.delete(server);
  };

  let nats = await runNats();
  let postgres = await runPostgres();
  const buses: Bus[] = [];
  return {
    databaseUrl: postgres.url,
    natsUrl: nats.url,
    startBus: async (name) => {
      const bus = await Bus.connect({ url: nats.url, name, log: silentLogger });
      buses.push(bus);
      return bus;
    },
    stopNats: () => end(nats),
    startNats: async ({ forget = false } = {}) => {
      if (forget) await rm(storeDir, { recursive: true, force: true });
      nats = await runNats(nats.port);
    },
    stopPostgres: () => end(postgres),
    startPostgres: async () => {
      postgres = await runPostgres(postgres.port);
    },
    stop: async () => {
      await Promise.all(buses.map((bus) => bus.close()));
      await Promise.all([...running].map(end));
      await rm(folder, { recursive: true, force: true });
      process.off('exit', cleanUp);
    },
  };
}
