import { join } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import { Bus } from '@rigel/messaging';
import { createLogger, hideEnvironment, natsOptions, readServiceConfig } from '@rigel/runtime';
import { runInProcess } from '@rigel/testing';
import { pino } from 'pino';
import { SERVICES_IN_ONE, type ServiceInOne } from './one-process.js';

/**
 * All services of a system in this one process, each with its own settings, connection to NATS, database pool and log file:
 * what `runService` does in a process for each, less what only a process of its own has (signals, operations server, status).
 * The start of a process takes more processor time than most tests that need a system.
 */

type Start = Parameters<typeof runInProcess>[0];
type Schema = Parameters<typeof readServiceConfig>[0];

hideEnvironment();
const services: ServiceInOne[] = JSON.parse(process.env[SERVICES_IN_ONE] ?? '[]');
// An executor reads the secrets of steps from the environment of its process.
for (const { env } of services) Object.assign(process.env, env);

const stopping = new AbortController();
const stages = new Map<number, (() => Promise<void>)[]>();

async function end(code: number): Promise<void> {
  if (stopping.signal.aborted) return;
  stopping.abort();
  for (const [, stops] of [...stages].sort(([one], [other]) => one - other))
    await Promise.allSettled(stops.map((stop) => stop()));
  process.exit(code);
}

process.on('SIGTERM', () => void end(0));
process.on('disconnect', () => void end(0));
for (const event of ['unhandledRejection', 'uncaughtException'] as const)
  process.on(event, (error) => {
    console.error(error);
    void end(1);
  });

async function startOne({ service, env, logFile, stopStage }: ServiceInOne): Promise<void> {
  const { start, schema } = await load(service);
  const config = readServiceConfig(schema, env);
  const name = config.RIGEL_SERVICE_NAME;
  const log = createLogger(name, config.RIGEL_LOG_LEVEL, pino.destination({ dest: logFile, mode: 0o600 }));
  const bus = await Bus.connect({
    url: config.NATS_URL,
    name,
    log,
    participant: service,
    ...natsOptions(config),
    signal: stopping.signal,
  });
  const { stop } = await runInProcess(start, { name, bus, config, log });
  stages.set(stopStage, [...(stages.get(stopStage) ?? []), stop]);
  log.info('ready');
}

/** A service's start function and the schema of its settings, by the names that all services give them. */
async function load(service: string): Promise<{ start: Start; schema: Schema }> {
  const module = await import(join(REPOSITORY_DIR, 'services', service, 'dist', `${service}.js`));
  const Name = service[0]?.toUpperCase() + service.slice(1);
  return { start: module[`start${Name}`], schema: module[`${Name}Config`] };
}

await Promise.all(services.map(startOne));
