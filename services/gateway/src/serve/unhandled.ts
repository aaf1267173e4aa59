import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Logger } from 'pino';
import { type Envelope, failureEnvelope } from '../answer/envelope.js';
import { reason } from '../answer/reason.js';
import { BodiesInFlight, RequestTooLarge, UnreadableRequest } from '../failures.js';
import { pathOf } from '../request/address.js';
import { refuseBody } from '../request/refused-bodies.js';
import { refuse } from './dispatch.js';
import { methodNotAllowed, methodsAt, notFound } from './methods.js';

/** Plugin: answers requests that fail before a handler runs, and requests for which there is no route. */
export const unhandled = fp<{ log: Logger }>(
  (app, { log }, loaded) => {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      if (error instanceof RequestTooLarge || error instanceof BodiesInFlight)
        return refuseBody(error, request, reply);
      return reply.send(transportFailure(error, { request, reply, log }));
    });
    app.setNotFoundHandler(async (request, reply) => {
      const path = pathOf(request.url);
      // The root leads browsers to the console, and is no address of the API.
      const isPage = path !== '/' && app.hasRoute({ method: 'GET', url: path });
      const allowed = methodsAt(path) ?? (isPage ? ['GET', 'HEAD'] : undefined);
      return allowed ? methodNotAllowed(reply, allowed) : notFound(reply);
    });
    loaded();
  },
  { name: 'unhandled', dependencies: ['audit', 'bodies'] },
);

/** The answer to a request whose body is cut off, or has not the announced length. */
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
    return failureEnvelope(500, 'internal error', {}, reason('internal'));
  }
  // What is left of the body would be taken for the next request.
  reply.header('Connection', 'close');
  const message = 'the body did not arrive as announced';
  if (!endpoint) {
    reply.code(status);
    return failureEnvelope(status, message, {}, reason('unreadable'));
  }
  return refuse(endpoint, new UnreadableRequest(message), { ...context, id: undefined });
}
