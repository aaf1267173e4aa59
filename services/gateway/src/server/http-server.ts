import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import { NOT_KEPT } from '../access/security-headers.js';
import { trustedProxies } from '../access/trusted-proxies.js';
import { tidyAddress } from '../request/address.js';
import { correlationIdFrom } from '../request/correlation.js';
import { notFound } from '../serve/methods.js';
import { logRequest } from './request-log.js';
import { TLS_ACCEPTED } from './tls-files.js';
import { answerTransportError, answerWhatIsNotRouted } from './transport-errors.js';

/** Room for the addresses of some thousand nodes in a path. */
const MAX_HEADER_BYTES = 128 * 1024;
/** How long a request may take to arrive. */
const REQUEST_TIMEOUT_MS = 60_000;

export interface HttpServerOptions {
  log: Logger;
  /** Proxies whose word about the client's address counts, as in RIGEL_HTTP_TRUST_PROXY. */
  trustProxy: string;
  /** Certificate and key for HTTPS; HTTP when absent. */
  tls: { cert: string; key: string } | undefined;
}

/**
 * The HTTP server without any plugin or route: how requests arrive, and the answers to those that reach no route.
 * @throws ConfigError when a trusted proxy is not an address.
 */
export function createHttpServer({ log, trustProxy, tls }: HttpServerOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'correlation_id' }),
    trustProxy: trustedProxies(trustProxy),
    requestTimeout: REQUEST_TIMEOUT_MS,
    ...serverOptions(tls),
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    // While the process ends, a request on an open connection still gets its usual answer.
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
  // Endpoints read parameters from three places at once and check them; answers are sent as they are.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  return app;
}

/** Fastify's types know two kinds of server; routes are the same for both. */
function serverOptions(tls: HttpServerOptions['tls']): {
  http: { maxHeaderSize: number; requireHostHeader: boolean };
} {
  // Node would refuse a request without Host and give no reason; the plugin `origin-check` refuses it with one.
  const http = { maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false };
  if (tls === undefined) return { http };
  return { https: { ...http, ...tls, ...TLS_ACCEPTED } } as unknown as { http: typeof http };
}
