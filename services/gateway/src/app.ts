import type { Bus } from '@rigel/messaging';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Authenticator } from './access/authenticator.js';
import { accessGate, principal } from './access/gate.js';
import { securityHeaders } from './access/security-headers.js';
import { SessionCookie } from './access/session-cookie.js';
import { compression } from './answer/compression.js';
import { createTimeFormat } from './answer/time-format.js';
import { audit } from './audit/report.js';
import { RequestReporter } from './audit/reporter.js';
import { webConsole } from './console/console.js';
import { health } from './health.js';
import { LiveStreams } from './live/live-streams.js';
import { TaskEnds } from './live/task-ends.js';
import { httpMetrics } from './metrics.js';
import { openApi } from './openapi/openapi.js';
import { BodyBudget } from './request/body-budget.js';
import { bodies } from './request/body-bytes.js';
import { originCheck } from './request/origin-check.js';
import { endpoints } from './routes/index.js';
import { endpointRoutes } from './serve/endpoint-routes.js';
import { unhandled } from './serve/unhandled.js';
import { closing } from './server/closing.js';
import { createHttpServer } from './server/http-server.js';
import { requestLog } from './server/request-log.js';

/** The settings of the gateway that the application reads. */
export interface AppSettings {
  RIGEL_TIME_ZONE: string;
  RIGEL_HTTP_STREAMS: number;
  RIGEL_HTTP_BODIES: number;
  RIGEL_HTTP_BODIES_PER_CLIENT: number;
  RIGEL_ACCESS: 'off' | 'on';
  RIGEL_HTTP_TRUST_PROXY: string;
  RIGEL_HTTP_RATE_LIMIT: number;
  RIGEL_HTTP_FAILED_LIMIT: number;
  RIGEL_CONSOLE: 'on' | 'off';
}

export interface AppOptions {
  bus: Bus;
  log: Logger;
  config: AppSettings;
  /** Host names that the API is known by; null or absent = any. */
  hostNames?: readonly string[] | null;
  /** Certificate and key for HTTPS; HTTP when absent. */
  tls?: { cert: string; key: string } | undefined;
}

/**
 * Builds the HTTP API: every endpoint, health, and its documentation. It does not listen yet.
 *
 * Each part is a plugin whose `dependencies` name the plugins that must come before it. The hooks of a request run in
 * the order in which their plugins are registered here.
 * @throws RangeError when the time zone does not exist.
 * @throws ConfigError when a trusted proxy is not an address.
 */
export async function buildApp({
  bus,
  log,
  config,
  hostNames = null,
  tls,
}: AppOptions): Promise<FastifyInstance> {
  const times = createTimeFormat(config.RIGEL_TIME_ZONE);
  const live = new LiveStreams({ bus, log, times, endpoints, limit: config.RIGEL_HTTP_STREAMS });
  const taskEnds = new TaskEnds({ bus, limit: config.RIGEL_HTTP_STREAMS });
  const app = createHttpServer({ log, trustProxy: config.RIGEL_HTTP_TRUST_PROXY, tls });
  const accessIsOn = config.RIGEL_ACCESS === 'on';
  const reporter = new RequestReporter({ bus, log });
  const authenticator = accessIsOn ? new Authenticator({ bus, log }) : undefined;
  const budget = new BodyBudget({
    all: config.RIGEL_HTTP_BODIES,
    each: config.RIGEL_HTTP_BODIES_PER_CLIENT,
  });
  await app.register(securityHeaders);
  await app.register(principal);
  const cookie = new SessionCookie(bus);
  await app.register(accessGate, {
    authenticator,
    cookie,
    requests: config.RIGEL_HTTP_RATE_LIMIT,
    failures: config.RIGEL_HTTP_FAILED_LIMIT,
  });
  await app.register(audit, { reporter, accessIsOn });
  await app.register(bodies, { budget });
  await app.register(closing, { live, taskEnds });
  await app.register(originCheck, { hostNames });
  await app.register(requestLog, { log });
  await app.register(unhandled, { log });
  await app.register(httpMetrics, { live, taskEnds, reporter });
  await app.register(compression);
  await app.register(openApi);
  if (config.RIGEL_CONSOLE === 'on') await app.register(webConsole, { log });
  await app.register(health, { bus });
  await app.register(endpointRoutes, { bus, log, times, cookie, live, taskEnds, authenticator });
  return app;
}
