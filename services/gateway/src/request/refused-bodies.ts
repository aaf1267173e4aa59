import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { failureEnvelope } from '../envelope.js';
import { BodiesInFlight, type RequestTooLarge } from '../failures.js';
import { JSON_TYPE, readAway } from '../transport-errors.js';

/** For a client whose body finds no room now. */
const RETRY_AFTER_SECONDS = 1;

/**
 * Refuses a request while its body is still on its way. The answer is sent at once, whole; what the client goes on sending is read
 * and forgotten for a while, since one that is still sending when its connection is closed may not see the answer.
 */
export function refuseBody(
  error: RequestTooLarge | BodiesInFlight,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { statusCode, message } = error;
  const envelope = failureEnvelope(statusCode, message, {});
  // For the audit, which sees no text that is sent as a stream.
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
