import type { Bus } from '@rigel/messaging';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { Authenticator } from './access/authenticator.js';
import { declarePrincipal, registerGate } from './access/gate.js';
import { createLimits } from './access/limits.js';
import { NOT_KEPT, registerSecurityHeaders } from './access/security-headers.js';
import { trustedProxies } from './access/trusted-proxies.js';
import { registerReports } from './audit/report.js';
import { RequestReporter } from './audit/reporter.js';
import { registerCompression } from './compression.js';
import { registerConsole } from './console/console.js';
import { createHandler, type DispatchOptions, refuse } from './dispatch.js';
import type { Endpoint } from './endpoint.js';
import { type Envelope, failureEnvelope } from './envelope.js';
import { BodiesInFlight, RequestTooLarge, UnreadableRequest } from './failures.js';
import { registerHealth } from './health.js';
import { LiveStreams } from './live/live-streams.js';
import { measureHttp } from './metrics.js';
import { operationOf, registerOpenApi } from './openapi.js';
import { pathOf, tidyAddress } from './request/address.js';
import { BodyBudget } from './request/body-budget.js';
import { registerBodies } from './request/body-bytes.js';
import { correlationIdFrom } from './request/correlation.js';
import { hostOf } from './request/host.js';
import { foreignOrigin } from './request/origin.js';
import { refuseBody } from './request/refused-bodies.js';
import { endpoints } from './routes/index.js';
import { TaskEnds } from './task-ends.js';
import { createTimeFormat } from './time-format.js';
import { TLS_ACCEPTED } from './tls-files.js';
import { answerTransportError, answerWhatIsNotRouted } from './transport-errors.js';

/** Room for the addresses of some thousand nodes in a path. */
const MAX_HEADER_BYTES = 128 * 1024;
/** How long a request may take to arrive. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Asked for all the time by whoever supervises the process. */
const PROBES = new Set(['/healthz', '/readyz']);

declare module 'fastify' {
  interface FastifyContextConfig {
    endpoint?: Endpoint;
  }
}

/** What the application reads of the gateway's settings. */
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
 * @throws RangeError when the time zone does not exist.
 * @throws ConfigError when a trusted proxy is none.
 */
export async function buildApp({
  bus,
  log,
  config,
  hostNames = null,
  tls,
}: AppOptions): Promise<FastifyInstance> {
  const times = createTimeFormat(config.RIGEL_TIME_ZONE);
  const live = new LiveStreams({ bus, log, times, limit: config.RIGEL_HTTP_STREAMS });
  const taskEnds = new TaskEnds({ bus, limit: config.RIGEL_HTTP_STREAMS });
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'correlation_id' }),
    trustProxy: trustedProxies(config.RIGEL_HTTP_TRUST_PROXY),
    requestTimeout: REQUEST_TIMEOUT_MS,
    ...serverOptions(tls),
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    // A request that arrives on an open connection while the process ends is still answered as usual.
    return503OnClosing: false,
    genReqId: (request) => correlationIdFrom(request.headers),
    rewriteUrl: (request) => tidyAddress(request.url ?? '/'),
    clientErrorHandler: answerTransportError,
    frameworkErrors: (_error, request, reply) => {
      // Hooks do not run for an address that cannot be decoded.
      reply.headers(NOT_KEPT).header('X-Correlation-Id', request.id);
      logRequest(log, request, 404, reply.elapsedTime);
      return notFound(reply);
    },
  });
  answerWhatIsNotRouted(app.server);
  registerSecurityHeaders(app);
  declarePrincipal(app);
  const accessIsOn = config.RIGEL_ACCESS === 'on';
  const reporter = new RequestReporter({ bus, log });
  registerReports(app, { reporter, accessIsOn });
  const authenticator = accessIsOn ? await registerAccess(app, { bus, log, config }) : undefined;
  app.addHook('onClose', () => reporter.close());
  const budget = new BodyBudget({
    all: config.RIGEL_HTTP_BODIES,
    each: config.RIGEL_HTTP_BODIES_PER_CLIENT,
  });
  readBodiesByContent(app, budget);
  // Parameters are read from three places at once and checked there; answers are sent as they are.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
    live.close();
    taskEnds.close();
  });
  // Hooks that wait for nothing are no async functions: each of those costs every request a turn of its own.
  app.addHook('onSend', (request, reply, _payload, done) => {
    reply.header('X-Correlation-Id', request.id);
    // By our clock clients say how old what they show is, whatever theirs says.
    reply.header('X-Rigel-Time', Date.now());
    // The end of the process would wait for this connection, however long its client keeps it.
    if (closing) reply.header('Connection', 'close');
    done();
  });
  app.addHook('onRequest', (request, reply, done) => {
    const { rawHeaders, httpVersion } = request.raw;
    const asked = hostOf({ target: request.originalUrl, rawHeaders, httpVersion });
    if ('wrong' in asked) {
      reply.header('Connection', 'close');
      reply.code(400).send(failureEnvelope(400, asked.wrong, {}));
      return;
    }
    // Only where something is told or done: the documentation and the probes are for everybody.
    const { endpoint } = request.routeOptions.config;
    const changes = endpoint?.access === 'write';
    const facts = { headers: request.headers, host: asked.host, method: request.method, changes };
    const why = endpoint ? foreignOrigin(facts, hostNames) : undefined;
    if (why === undefined) done();
    else reply.code(403).send(failureEnvelope(403, why, {}));
  });
  app.addHook('onResponse', (request, reply, done) => {
    logRequest(log, request, reply.statusCode, reply.elapsedTime);
    done();
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof RequestTooLarge || error instanceof BodiesInFlight)
      return refuseBody(error, request, reply);
    return reply.send(transportFailure(error, { request, reply, log }));
  });
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url);
    // The root leads browsers on, and is no address of the API.
    const isPage = path !== '/' && app.hasRoute({ method: 'GET', url: path });
    const allowed = methodsAt(path) ?? (isPage ? ['GET', 'HEAD'] : undefined);
    return allowed ? methodNotAllowed(reply, allowed) : notFound(reply);
  });
  measureHttp(app, { live, taskEnds, reporter });
  await registerCompression(app);
  await registerOpenApi(app);
  if (config.RIGEL_CONSOLE === 'on') await registerConsole(app, { log });
  registerHealth(app, bus);
  registerEndpoints(app, { bus, log, times, live, taskEnds, authenticator });
  return app;
}

/** Has every request but those for health need a token. */
async function registerAccess(
  app: FastifyInstance,
  { bus, log, config }: Pick<AppOptions, 'bus' | 'log' | 'config'>,
): Promise<Authenticator> {
  const authenticator = new Authenticator({ bus, log });
  app.addHook('onClose', async () => authenticator.close());
  const limits = await createLimits(app, {
    requests: config.RIGEL_HTTP_RATE_LIMIT,
    failures: config.RIGEL_HTTP_FAILED_LIMIT,
  });
  registerGate(app, { authenticator, limits });
  return authenticator;
}

/** Fastify's types know two kinds of server; routes are the same for both. */
function serverOptions(tls: AppOptions['tls']): {
  http: { maxHeaderSize: number; requireHostHeader: boolean };
} {
  // Node would refuse a request without Host with no word of why; we do it.
  const http = { maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false };
  if (tls === undefined) return { http };
  return { https: { ...http, ...tls, ...TLS_ACCEPTED } } as unknown as { http: typeof http };
}

function readBodiesByContent(app: FastifyInstance, budget: BodyBudget): void {
  app.addHttpMethod('GET', { hasBody: true, overrideExisting: true });
  registerBodies(app, budget);
  app.addHook('onRequest', (request, _reply, done) => {
    // What clients say about their bodies is wrong too often to be looked at, or even to be refused.
    delete request.raw.headers['content-type'];
    done();
  });
}

function registerEndpoints(app: FastifyInstance, options: DispatchOptions): void {
  for (const endpoint of endpoints) {
    const handler = createHandler(endpoint, options);
    for (const url of endpoint.paths) {
      for (const method of endpoint.methods) {
        app.route({
          method,
          url,
          handler,
          config: { endpoint },
          // HEAD runs the handler of GET: only where that changes nothing.
          exposeHeadRoute: endpoint.access === 'read',
          schema: operationOf(endpoint, method, url),
        });
      }
      const allowed = allowedMethods(endpoint);
      // Without these routes `GET /cluster/create` would be read as the cluster with the id `create`.
      app.route({
        method: app.supportedMethods.filter((method) => !allowed.includes(method)),
        url,
        exposeHeadRoute: false,
        schema: { hide: true },
        handler: async (_request, reply) => methodNotAllowed(reply, allowed),
      });
    }
  }
}

function allowedMethods(endpoint: Endpoint): string[] {
  const head = endpoint.access === 'read' && endpoint.methods.includes('GET') ? ['HEAD'] : [];
  return [...endpoint.methods, ...head];
}

const addresses = endpoints.flatMap((endpoint) =>
  endpoint.paths.map((path) => ({
    pattern: new RegExp(`^${path.replaceAll(/:[^/]+/g, '[^/]+')}$`),
    allowed: allowedMethods(endpoint),
  })),
);

/** Which methods an address takes, when the API has it: for methods that Fastify does not route at all. */
function methodsAt(path: string): string[] | undefined {
  return addresses.find(({ pattern }) => pattern.test(path))?.allowed;
}

async function methodNotAllowed(reply: FastifyReply, allowed: readonly string[]): Promise<FastifyReply> {
  const methods = allowed.join(', ');
  return reply
    .code(405)
    .header('Allow', methods)
    .send(failureEnvelope(405, `method not allowed, allowed here: ${methods}`, {}));
}

function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).send(failureEnvelope(404, 'not found', {}));
}

/** What fails before any handler runs: bodies that are cut off, or of the wrong length. */
function transportFailure(
  error: FastifyError,
  context: { request: FastifyRequest; reply: FastifyReply; log: Logger },
): Envelope {
  const { request, reply, log } = context;
  const { endpoint } = request.routeOptions.config;
  const status = error.statusCode ?? 500;
  if (status < 400 || status > 499) {
    log.error({ correlation_id: request.id, err: error }, 'a request failed unexpectedly');
    reply.code(500);
    return failureEnvelope(500, 'internal error', {});
  }
  // What is left of the body would be taken for the next request.
  reply.header('Connection', 'close');
  const reason = 'the body did not arrive as announced';
  if (!endpoint) {
    reply.code(status);
    return failureEnvelope(status, reason, {});
  }
  return refuse(endpoint, new UnreadableRequest(reason), { ...context, id: undefined });
}

function logRequest(log: Logger, request: FastifyRequest, code: number, ms: number): void {
  const path = pathOf(request.url);
  log[PROBES.has(path) ? 'debug' : 'info'](
    { correlation_id: request.id, method: request.method, path, code, ms: Math.round(ms * 10) / 10 },
    'request',
  );
}
