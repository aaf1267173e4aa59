import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { failureEnvelope } from '../answer/envelope.js';
import { BodiesInFlight, type RequestTooLarge, reasonFor } from '../failures.js';
import { JSON_TYPE, readAway } from '../server/transport-errors.js';

/** The pause for a client whose body has no room now. */
const RETRY_AFTER_SECONDS = 1;

/**
 * Refuses a request while its body is still on its way. The whole answer is sent at once. For a while, the gateway
 * reads and drops what the client goes on sending, because a client that still sends when its connection is closed may
 * not see the answer.
 */
export function refuseBody(
  error: RequestTooLarge | BodiesInFlight,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { statusCode, message } = error;
  const envelope = failureEnvelope(statusCode, message, {}, reasonFor(error));
  // The audit reads the message here, because it does not see answers that are sent as a stream.
  request.refusal = envelope.msg;
  const body = Buffer.from(JSON.stringify(envelope));
  if (error instanceof BodiesInFlight) reply.header('Retry-After', RETRY_AFTER_SECONDS);
  return reply
    .code(statusCode)
    .header('Connection', 'close')
    .header('Content-Length', body.length)
    .type(JSON_TYPE)
    .send(Readable.from(answerAndReadAway(body, request)));
}

async function* answerAndReadAway(body: Buffer, request: FastifyRequest): AsyncGenerator<Buffer> {
  yield body;
  await readAway(request.raw);
}
