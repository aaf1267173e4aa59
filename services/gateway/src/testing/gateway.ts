import { silentLogger, startTestServers, type TestServers } from '@rigel/testing';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { buildApp } from '../app.js';
import { Responders } from './responders.js';

export interface TestGateway {
  app: FastifyInstance;
  services: Responders;
  servers: TestServers;
  stop: () => Promise<void>;
}

/** A gateway on a real NATS server, with the services' side of the wire in the hands of the test. */
export async function startTestGateway(
  options: { log?: Logger; zone?: string; streams?: number } = {},
): Promise<TestGateway> {
  const servers = await startTestServers();
  const services = new Responders(await servers.startBus('services'));
  const app = await buildApp({
    bus: await servers.startBus('gateway'),
    log: options.log ?? silentLogger,
    config: { RIGEL_TIME_ZONE: options.zone ?? 'UTC', RIGEL_HTTP_STREAMS: options.streams ?? 100 },
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
