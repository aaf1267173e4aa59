import { silentLogger, startTestServers, type TestServers } from '@rigel/testing';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { type AppSettings, buildApp } from '../app.js';
import { Responders } from './responders.js';

export interface TestGateway {
  app: FastifyInstance;
  services: Responders;
  servers: TestServers;
  stop: () => Promise<void>;
}

/** Settings for a test: access is off, and there are no limits. */
export function testSettings(settings: Partial<AppSettings> = {}): AppSettings {
  return {
    RIGEL_TIME_ZONE: 'UTC',
    RIGEL_HTTP_STREAMS: 100,
    RIGEL_HTTP_BODIES: 64 * 1024 * 1024,
    RIGEL_HTTP_BODIES_PER_CLIENT: 16 * 1024 * 1024,
    RIGEL_ACCESS: 'off',
    RIGEL_HTTP_TRUST_PROXY: '',
    RIGEL_HTTP_RATE_LIMIT: 0,
    RIGEL_HTTP_FAILED_LIMIT: 1_000_000,
    RIGEL_CONSOLE: 'off',
    ...settings,
  };
}

/** A gateway on a real NATS server; the test answers for the services. */
export async function startTestGateway(
  options: { log?: Logger; zone?: string; streams?: number; settings?: Partial<AppSettings> } = {},
): Promise<TestGateway> {
  const servers = await startTestServers();
  const services = new Responders(await servers.startBus('services'));
  const app = await buildApp({
    bus: await servers.startBus('gateway'),
    log: options.log ?? silentLogger,
    config: testSettings({
      RIGEL_TIME_ZONE: options.zone ?? 'UTC',
      RIGEL_HTTP_STREAMS: options.streams ?? 100,
      ...options.settings,
    }),
  });
  await app.ready();
  return {
    app,
    services,
    servers,
    stop: async () => {
      await app.close();
      await servers.stop();
    },
  };
}
