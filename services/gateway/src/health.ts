import { health as healthOf, SERVICES, ServiceError, type ServiceName } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import { sharedLook } from '@rigel/runtime';
import fp from 'fastify-plugin';
import { failureEnvelope, successEnvelope } from './answer/envelope.js';
import { reason } from './answer/reason.js';

const OK = 'ok';
const TIMEOUT_MS = 2_000;
/**
 * How long an answer is reused: any client may ask, and each look costs a request to every service. A fault may be over
 * soon.
 */
const READY_MS = 1_000;
const NOT_READY_MS = 250;

interface ServiceHealth {
  /** `ok`, or what is wrong. */
  state: string;
  /** The service's view of its database; undefined when it has none or does not answer. */
  database: string | undefined;
}

/**
 * Plugin: `/healthz` says that this process is alive. `/readyz` says whether NATS, the database and every service can
 * do their work; if not, it answers 503 with what is wrong.
 */
export const health = fp<{ bus: Bus }>(
  (app, { bus }, loaded) => {
    app.get('/healthz', { schema: { hide: true }, config: { open: true } }, async () =>
      successEnvelope({ data: {} }),
    );
    const look = sharedLook(
      () => readiness(bus),
      (data) => (wrongIn(data).length === 0 ? READY_MS : NOT_READY_MS),
    );
    app.get('/readyz', { schema: { hide: true }, config: { open: true } }, async (_request, reply) => {
      const data = await look();
      const wrong = wrongIn(data);
      if (wrong.length === 0) return successEnvelope({ data });
      const reasons = wrong.map(([part, state]) => `${part}: ${state}`).join('; ');
      reply.code(503);
      return failureEnvelope(503, `not ready: ${reasons}`, data, reason('unavailable'));
    });
    loaded();
  },
  { name: 'health' },
);

const wrongIn = (states: Record<string, string>): [part: string, state: string][] =>
  Object.entries(states).filter(([, state]) => state !== OK);

/** The state of each part that a working system has: `ok`, or what is wrong. */
async function readiness(bus: Bus): Promise<Record<string, string>> {
  const [connected, services] = await Promise.all([
    bus.isConnected(),
    Promise.all(SERVICES.map(async (name) => [name, await ask(bus, name)] as const)),
  ]);
  const databases = services.flatMap(([, { database }]) => (database === undefined ? [] : [database]));
  return {
    nats: connected ? OK : 'NATS does not answer',
    database: databases.find((state) => state !== OK) ?? databases[0] ?? 'no service says how it is',
    ...Object.fromEntries(services.map(([name, { state }]) => [name, state])),
  };
}

async function ask(bus: Bus, service: ServiceName): Promise<ServiceHealth> {
  try {
    const { checks } = await bus.call(
      healthOf(service),
      {},
      { correlationId: 'readyz', actor: 'readyz', timeoutMs: TIMEOUT_MS },
    );
    const wrong = Object.entries(checks).filter(([, state]) => state !== OK);
    return {
      state: wrong.length === 0 ? OK : wrong.map(([check, state]) => `${check}: ${state}`).join('; '),
      database: checks.database,
    };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { state: error.message, database: undefined };
  }
}
