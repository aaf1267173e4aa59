import {
  access,
  covers,
  type OnceAnswer,
  onceOf,
  type Rpc,
  type RpcResponse,
  ServiceError,
  sessions,
} from '@rigel/contracts';
import { type Bus, traced } from '@rigel/messaging';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Authenticator } from '../access/authenticator.js';
import { cannotCheck, tooMany, unauthorized } from '../access/gate.js';
import type { SessionCookie } from '../access/session-cookie.js';
import { type Envelope, failureEnvelope, successEnvelope } from '../answer/envelope.js';
import { reason } from '../answer/reason.js';
import type { TimeFormat } from '../answer/time-format.js';
import type { Endpoint, Invocation, Method } from '../endpoint.js';
import {
  DeniedCredentials,
  failureFor,
  failureMessage,
  RequestTooLarge,
  reasonFor,
  TokenIsOver,
  UnreadableRequest,
  WrongHeader,
} from '../failures.js';
import type { LiveStreams } from '../live/live-streams.js';
import { sendLiveStream } from '../live/send.js';
import type { TaskEnds } from '../live/task-ends.js';
import { queryOf } from '../request/address.js';
import { encodingOf, readBody } from '../request/body.js';
import { type BodyLimits, bodyLimitsOf, QUERY_PAIRS } from '../request/body-limits.js';
import { clientOf } from '../request/client.js';
import { NO_KEY_HERE, onceKeyOf, REPLAYED, readIdempotencyKey } from '../request/idempotency-key.js';
import { operatorFrom } from '../request/operator.js';
import { readPairs } from '../request/pairs.js';
import { idAsGiven, prepareParameters, type RequestSources } from '../request/parameters.js';
import { callPatiently } from './patient-call.js';
import { sendFile } from './send-file.js';

export interface DispatchOptions {
  bus: Bus;
  log: Logger;
  times: TimeFormat;
  live: LiveStreams;
  taskEnds: TaskEnds;
  /** Absent where access is off. */
  authenticator: Authenticator | undefined;
  cookie: SessionCookie;
}

/** Operations after which a token or session may not be valid any more. */
const ENDS_CREDENTIALS: readonly Rpc[] = [access.revokeToken, sessions.end, sessions.revoke];

/**
 * The Fastify handler of an endpoint: reads the parameters, calls the endpoint's handler, and gives the answer its
 * form.
 */
export function createHandler(
  endpoint: Endpoint,
  { bus, log, times, live, taskEnds, authenticator, cookie }: DispatchOptions,
): (request: FastifyRequest, reply: FastifyReply) => Promise<Envelope | FastifyReply> {
  const readParameters = prepareParameters(endpoint);
  const limits = bodyLimitsOf(endpoint);
  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<Envelope | FastifyReply> => {
    let sources: RequestSources | undefined;
    try {
      sources = sourcesOf(request, limits);
      if (endpoint.getNeedsBody && request.method === 'GET' && !request.body) {
        throw new UnreadableRequest('GET needs a body here');
      }
      const { input, given, page } = readParameters(sources);
      const key = endpoint.key && readIdempotencyKey(request.raw);
      if (key !== undefined && endpoint.key === 'refused') throw new WrongHeader(NO_KEY_HERE);
      let repeated = false;
      const { principal } = request;
      const operator = principal?.name ?? operatorFrom(request.headers.authorization);
      const client = clientOf(request);
      const isAdmin = authenticator === undefined || (principal !== null && covers(principal.role, 'admin'));
      const invocation: Invocation = {
        method: request.method === 'HEAD' ? 'GET' : (request.method as Method),
        operator,
        authenticated: principal !== null,
        client,
        role: authenticator === undefined ? 'admin' : (principal?.role ?? 'viewer'),
        principal,
        accessIsOn: authenticator !== undefined,
        cookie: {
          make: (text, expires) => cookie.make(request, text, expires),
          drop: () => cookie.drop(request),
        },
        deny: (why) => {
          request.denial = why;
          throw new DeniedCredentials(why);
        },
        tellAudit: () => {
          request.toldAsDone = true;
        },
        isAdmin,
        mayRun: isAdmin || principal?.mayRun === true,
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
          // In this gateway the token ends with the answer; other gateways learn of it by its event.
          if (ENDS_CREDENTIALS.includes(rpc)) authenticator?.forget();
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
          const stopWatching =
            principal &&
            authenticator?.watch(principal.credentials, (why, certain) =>
              gone.abort(new TokenIsOver(why, certain)),
            );
          const end = taskEnds.wait(id, seconds * 1_000, { context, client, gone });
          return end.finally(() => stopWatching?.());
        },
        lastEventId: lastEventIdOf(request),
        live,
      };
      const answer = await endpoint.handle(input, invocation);
      if (answer.headers) reply.headers(answer.headers);
      if (repeated) reply.header(REPLAYED, 'true');
      const { stream } = answer;
      if (stream) {
        if (principal && authenticator) {
          const ended = authenticator.watch(principal.credentials, () => stream.cancel());
          stream.signal.addEventListener('abort', ended, { once: true });
        }
        return sendLiveStream(stream, { request, reply, log });
      }
      if (answer.file) return sendFile(answer.file, endpoint.file, reply);
      return successEnvelope(answer);
    } catch (error) {
      if (error instanceof DeniedCredentials)
        return request.failureWait > 0 ? tooMany(reply, request.failureWait) : unauthorized(reply);
      if (error instanceof TokenIsOver) {
        if (!error.certain) return cannotCheck(reply);
        request.denial = `${error.message}, since the request began to wait`;
        return unauthorized(reply);
      }
      return refuse(endpoint, error, { request, reply, log, id: sources && idAsGiven(sources) });
    } finally {
      request.bodyClaim?.release();
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

/** @throws RequestTooLarge */
function sourcesOf(request: FastifyRequest, limits: BodyLimits): RequestSources {
  return {
    path: { values: request.params as Record<string, unknown> },
    body: readBody(request.body as Uint8Array | undefined, encodingOf(request.headers), limits),
    query: readPairs(queryOf(request.url), QUERY_PAIRS),
  };
}

/** The HTTP status of a refusal that is the same for all endpoints and not among their documented failures. */
function undocumentedCode(error: unknown): number | undefined {
  if (error instanceof WrongHeader) return 400;
  if (error instanceof RequestTooLarge) return error.statusCode;
  if (!(error instanceof ServiceError)) return undefined;
  const changed = error.code === 'conflict' && error.field === 'if_version';
  return changed || error.code === 'key_reused' ? 409 : undefined;
}

/**
 * The answer to a request that failed: the documented failure, or, for a fault of Rigel's, 500 without details. The
 * details are in the log.
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
    return failureEnvelope(undocumented, (error as Error).message, {}, reasonFor(error));
  }
  const documented = failureFor(endpoint.failures, error);
  if (!documented || !(error instanceof Error)) {
    log.error({ ...where, err: error }, 'a request failed unexpectedly');
    reply.code(500);
    return failureEnvelope(500, 'internal error', {}, reason('internal'));
  }
  if (error instanceof ServiceError && error.code === 'unavailable') {
    request.uncertain = true;
    log.warn({ ...where, reason: error.message }, 'a service did not answer a request');
  }
  reply.code(documented.code);
  const message = failureMessage(documented, id, error.message);
  return failureEnvelope(documented.code, message, documented.data, reasonFor(error));
}
