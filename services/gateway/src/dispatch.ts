import {
  access,
  covers,
  type OnceAnswer,
  onceOf,
  type Rpc,
  type RpcResponse,
  ServiceError,
} from '@rigel/contracts';
import { type Bus, traced } from '@rigel/messaging';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Authenticator } from './access/authenticator.js';
import type { Endpoint, Invocation, Method } from './endpoint.js';
import { type Envelope, failureEnvelope, successEnvelope } from './envelope.js';
import { failureFor, failureMessage, UnreadableRequest, WrongHeader } from './failures.js';
import type { LiveStreams } from './live/live-streams.js';
import { sendLiveStream } from './live/send.js';
import { callPatiently } from './patient-call.js';
import { queryOf } from './request/address.js';
import { encodingOf, readBody } from './request/body.js';
import { NO_KEY_HERE, onceKeyOf, REPLAYED, readIdempotencyKey } from './request/idempotency-key.js';
import { operatorFrom } from './request/operator.js';
import { readPairs } from './request/pairs.js';
import { idAsGiven, prepareParameters, type RequestSources } from './request/parameters.js';
import type { TaskEnds } from './task-ends.js';
import type { TimeFormat } from './time-format.js';

export interface DispatchOptions {
  bus: Bus;
  log: Logger;
  times: TimeFormat;
  live: LiveStreams;
  taskEnds: TaskEnds;
  /** Absent where access is off. */
  authenticator: Authenticator | undefined;
}

/** What goes between Fastify and an endpoint's handler: reading the parameters, and the form of the answer. */
export function createHandler(
  endpoint: Endpoint,
  { bus, log, times, live, taskEnds, authenticator }: DispatchOptions,
): (request: FastifyRequest, reply: FastifyReply) => Promise<Envelope | FastifyReply> {
  const readParameters = prepareParameters(endpoint);
  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<Envelope | FastifyReply> => {
    const sources = sourcesOf(request);
    try {
      if (endpoint.getNeedsBody && request.method === 'GET' && !request.body) {
        throw new UnreadableRequest('GET needs a body here');
      }
      const { input, given, page } = readParameters(sources);
      const key = endpoint.key && readIdempotencyKey(request.raw);
      if (key !== undefined && endpoint.key === 'refused') throw new WrongHeader(NO_KEY_HERE);
      let repeated = false;
      const { principal } = request;
      const operator = principal?.name ?? operatorFrom(request.headers.authorization);
      const invocation: Invocation = {
        method: request.method === 'HEAD' ? 'GET' : (request.method as Method),
        operator,
        authenticated: principal !== null,
        isAdmin: authenticator === undefined || (principal !== null && covers(principal.role, 'admin')),
        page,
        times,
        call: async (rpc, data, actor = operator) => {
          const context = { correlationId: request.id, actor, client: request.ip };
          if (rpc.keyed && key !== undefined) {
            const route = request.routeOptions.url ?? request.url;
            const once = onceKeyOf(key, { operator: actor, method: request.method, route, given });
            const outcome = await callPatiently(bus, onceOf(rpc), { once, request: data }, context);
            repeated = (outcome as OnceAnswer<unknown>).repeated;
            return (outcome as OnceAnswer<RpcResponse<typeof rpc>>).answer;
          }
          const answer = await callPatiently(bus, rpc, data, context);
          // Here it is over with the answer; other gateways hear of it by its event.
          if ((rpc as Rpc) === access.revokeToken) authenticator?.forget();
          return answer;
        },
        repeated: () => repeated,
        taskEnd: (id, seconds) => {
          request.waited = true;
          const gone = new AbortController();
          reply.raw.once('close', () => {
            if (!reply.raw.writableFinished) gone.abort();
          });
          const context = { correlationId: request.id, actor: operator, client: request.ip };
          return taskEnds.wait(id, seconds * 1_000, context, gone);
        },
        lastEventId: lastEventIdOf(request),
        live,
      };
      const answer = await endpoint.handle(input, invocation);
      reply.headers(answer.headers ?? {});
      if (repeated) reply.header(REPLAYED, 'true');
      const { stream } = answer;
      if (stream) {
        if (principal && authenticator) {
          const ended = authenticator.watch(principal.credentials, () => stream.cancel());
          stream.signal.addEventListener('abort', ended, { once: true });
        }
        return sendLiveStream(stream, { request, reply, log });
      }
      return successEnvelope(answer);
    } catch (error) {
      return refuse(endpoint, error, { request, reply, log, id: idAsGiven(sources) });
    }
  };
  return (request, reply) => {
    const given = request.headers.traceparent;
    const span = {
      ...(typeof given === 'string' ? { parent: given } : {}),
      kind: 'server' as const,
      attributes: { 'http.request.method': request.method, 'http.route': endpoint.paths[0] ?? '' },
    };
    return traced(`${request.method} ${endpoint.id}`, span, () => handle(request, reply));
  };
}

function lastEventIdOf(request: FastifyRequest): string | undefined {
  const header = request.headers['last-event-id'];
  return header === undefined || header === '' ? undefined : String(header);
}

function sourcesOf(request: FastifyRequest): RequestSources {
  return {
    path: { values: request.params as Record<string, unknown> },
    body: readBody(request.body as Uint8Array | undefined, encodingOf(request.headers)),
    query: readPairs(queryOf(request.url)),
  };
}

/** The HTTP status of a refusal that the API's document does not know, and that is the same for all endpoints. */
function undocumentedCode(error: unknown): number | undefined {
  if (error instanceof WrongHeader) return 400;
  return error instanceof ServiceError && error.code === 'key_reused' ? 409 : undefined;
}

/**
 * The answer to a request that failed: the documented failure for what happened, or 500 without details for a fault of
 * ours, whose details go to the log.
 */
export function refuse(
  endpoint: Endpoint,
  error: unknown,
  context: { request: FastifyRequest; reply: FastifyReply; log: Logger; id: unknown },
): Envelope {
  const { request, reply, log, id } = context;
  const where = { correlation_id: request.id, endpoint: endpoint.id };
  const undocumented = undocumentedCode(error);
  if (undocumented !== undefined) {
    reply.code(undocumented);
    return failureEnvelope(undocumented, (error as Error).message, {});
  }
  const documented = failureFor(endpoint.failures, error);
  if (!documented || !(error instanceof Error)) {
    log.error({ ...where, err: error }, 'a request failed unexpectedly');
    reply.code(500);
    return failureEnvelope(500, 'internal error', {});
  }
  if (error instanceof ServiceError && error.code === 'unavailable') {
    request.uncertain = true;
    log.warn({ ...where, reason: error.message }, 'a service could not answer');
  }
  reply.code(documented.code);
  return failureEnvelope(documented.code, failureMessage(documented, id, error.message), documented.data);
}
