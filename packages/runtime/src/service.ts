import { randomUUID } from 'node:crypto';
import {
  type ConfigComplaint,
  health,
  natsSettings,
  opsSettings,
  type Participant,
  type ServiceName,
  tracingSettings,
} from '@rigel/contracts';
import { Bus } from '@rigel/messaging';
import type { Logger } from 'pino';
import { type Static, type TObject, Type } from 'typebox';
import { ConfigError, readConfig } from './config.js';
import { hideEnvironment } from './hidden-environment.js';
import { createLogger, LOG_LEVELS } from './logging.js';
import { collectProcessMetrics, sampled } from './metrics.js';
import { natsOptions } from './nats-config.js';
import { startOpsServer } from './ops-server.js';
import { answers, type Check, Readiness } from './readiness.js';
import { startTracing, tracingWanted } from './tracing.js';

/** Settings that every process has. */
export const CommonConfig = Type.Object({
  NATS_URL: Type.String({ minLength: 1, description: 'Addresses of the NATS servers, separated by commas.' }),
  RIGEL_SERVICE_NAME: Type.String({
    default: '',
    description: 'Name of this process in logs; default: the name of the service.',
  }),
  RIGEL_LOG_LEVEL: Type.Enum([...LOG_LEVELS], {
    default: 'info',
    description: 'Least severe level of log lines.',
  }),
  ...opsSettings,
  ...tracingSettings,
});

const NatsConfig = Type.Object(natsSettings);
type ProcessConfig = Static<typeof CommonConfig> & Static<typeof NatsConfig>;

/** Arguments of the start of a service. */
export interface ServiceContext<Config> {
  config: Config & Omit<Static<typeof CommonConfig>, keyof typeof opsSettings | keyof typeof tracingSettings>;
  /** Name of this process. */
  name: string;
  log: Logger;
  bus: Bus;
  /** Whether this process can do its work; the operations server answers it. */
  readiness: Pick<Readiness, 'add'>;
  /** Aborted when the process begins to shut down. */
  signal: AbortSignal;
  /** Registers something to end at shutdown. The last one registered ends first. */
  onShutdown: (what: string, stop: () => Promise<void> | void) => void;
}

const SHUTDOWN_DEADLINE_MS = 8_000;

/**
 * Serves the service's health operation, and adds its checks to those of the process. A check gives `ok` or the reason
 * why not.
 */
export function serveHealth(
  { bus, name, readiness }: Pick<ServiceContext<unknown>, 'bus' | 'name' | 'readiness'>,
  service: ServiceName,
  checks: Record<string, Check>,
): void {
  readiness.add(checks);
  bus.serve(health(service), async () => ({ name, checks: await answers(Object.entries(checks)) }));
}

/**
 * Runs a service as this process: reads its configuration, connects to NATS, starts it, and shuts it down in order at
 * SIGTERM, SIGINT, or the loss of a parent process with an IPC channel. An unexpected error ends the process with
 * status 1. Its supervisor starts it again, and it continues from the event store.
 */
export async function runService<S extends TObject>(options: {
  name: Participant;
  config: S;
  start: (context: ServiceContext<Static<S>>) => Promise<void>;
}): Promise<void> {
  hideEnvironment();
  const config = await readConfigOrExit(options.name, options.config);
  const name = config.RIGEL_SERVICE_NAME || options.name;
  const log = createLogger(name, config.RIGEL_LOG_LEVEL);
  const stopping = new AbortController();
  const steps: { what: string; stop: () => Promise<void> | void }[] = [];
  const readiness = new Readiness();
  let ending = false;

  const shutdown = async (why: string, code: number): Promise<void> => {
    if (ending) return;
    ending = true;
    readiness.ending();
    log.info({ why }, 'shutting down');
    stopping.abort();
    setTimeout(() => {
      log.error(
        { deadline_ms: SHUTDOWN_DEADLINE_MS },
        'the shutdown took too long, exiting without finishing it',
      );
      process.exit(1);
    }, SHUTDOWN_DEADLINE_MS).unref();
    for (const { what, stop } of steps.reverse()) {
      try {
        await stop();
      } catch (error) {
        log.error({ err: error, what }, 'a part of the shutdown failed');
      }
    }
    log.info('shut down');
    process.exit(code);
  };

  process.on('SIGTERM', () => void shutdown('SIGTERM', 0));
  process.on('SIGINT', () => void shutdown('SIGINT', 0));
  process.on('disconnect', () => void shutdown('the parent process is gone', 0));
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled promise rejection');
    void shutdown('unhandled promise rejection', 1);
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception');
    void shutdown('uncaught exception', 1);
  });

  try {
    // Started first and ended last: it also answers while the process waits for NATS or shuts down.
    if (config.RIGEL_OPS_PORT > 0) {
      collectProcessMetrics(options.name);
      sampled(
        { name: 'rigel_ready', help: '1 if the process can do its work, 0 if not (see /readyz).' },
        async () => ((await readiness.look()).ready ? 1 : 0),
      );
      const { RIGEL_OPS_HOST: host, RIGEL_OPS_PORT: port } = config;
      const ops = await startOpsServer({ host, port, readiness, log });
      steps.push({ what: 'operations server', stop: () => ops.stop() });
    }
    const { RIGEL_OTEL_ENDPOINT: endpoint } = config;
    if (tracingWanted(endpoint, process.env)) {
      steps.push({
        what: 'traces',
        stop: await startTracing({ service: options.name, name, endpoint, log }),
      });
    }
    readiness.add({ nats: () => 'not connected yet' });
    const bus = await Bus.connect({
      url: config.NATS_URL,
      name,
      log,
      participant: options.name,
      ...natsOptions(config),
      signal: stopping.signal,
    });
    steps.push({ what: 'nats', stop: () => bus.close() });
    readiness.add({ nats: async () => ((await bus.isConnected()) ? 'ok' : 'NATS does not answer') });
    await options.start({
      config,
      name,
      log,
      bus,
      readiness,
      signal: stopping.signal,
      onShutdown: (what, stop) => steps.push({ what, stop }),
    });
  } catch (error) {
    // A shutdown during the start: the error only says that the start was given up.
    if (stopping.signal.aborted) return;
    if (error instanceof ConfigError) return exitForConfig(name, error);
    log.fatal({ err: error }, 'the start failed');
    await shutdown('the start failed', 1);
    return;
  }
  readiness.started();
  log.info('ready');
}

/**
 * Reads the settings of a service, those that every process has included.
 * @throws ConfigError naming the variable and its value.
 */
export function readServiceConfig<S extends TObject>(
  schema: S,
  env: NodeJS.ProcessEnv,
): Static<S> & ProcessConfig {
  return readConfig(
    Type.Object({ ...CommonConfig.properties, ...natsSettings, ...schema.properties }),
    env,
  ) as Static<S> & ProcessConfig;
}

async function readConfigOrExit<S extends TObject>(
  name: string,
  schema: S,
): Promise<Static<S> & ProcessConfig> {
  try {
    return readServiceConfig(schema, process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return exitForConfig(name, error);
  }
}

/**
 * Tells a parent process with an IPC channel that the configuration is wrong: starting again would fail again. See
 * `ConfigComplaint`.
 */
async function exitForConfig(name: string, { message }: ConfigError): Promise<never> {
  process.stderr.write(`${name}: ${message}\n`);
  const complaint: ConfigComplaint = { configError: message };
  await new Promise<void>((resolve) => {
    if (process.connected) process.send?.(complaint, undefined, undefined, () => resolve());
    else resolve();
  });
  process.exit(1);
}

/** A new correlation id, for work that no request of a client began. */
export function newCorrelationId(): string {
  // randomUUID draws random bytes for many ids at once: a draw for each would cost more than reading the parameters.
  return randomUUID().replaceAll('-', '').slice(0, 16);
}
