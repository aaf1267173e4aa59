import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { clientOf } from '../client.js';
import { RequestTooLarge } from '../failures.js';
import type { BodyBudget, Claim } from './body-budget.js';
import { bodyLimitsOf, inUnits } from './body-limits.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** What its body takes of the budget; null when it has none. To be released when the request is answered. */
    bodyClaim: Claim | null;
  }
}

/** A body did not arrive as it was announced. */
class BrokenBody extends Error {
  readonly statusCode = 400;
}

type Done = (error: Error | null, body?: Buffer) => void;

/**
 * Has the bodies of all requests read, whatever their type, as bytes: as many as their endpoint takes. One that is announced to be
 * larger is refused before it arrives, another one as soon as it is.
 */
export function registerBodies(app: FastifyInstance, budget: BodyBudget): void {
  app.decorateRequest('bodyClaim', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request, payload, done) =>
    readBytes(request, payload as IncomingMessage, budget, done),
  );
}

function readBytes(request: FastifyRequest, payload: IncomingMessage, budget: BodyBudget, done: Done): void {
  const { endpoint } = request.routeOptions.config;
  const { bytes: limit } = bodyLimitsOf(endpoint);
  const what = endpoint?.id ?? 'this address';
  const announced = request.headers['content-length'];
  const length = announced === undefined ? undefined : Number(announced);
  if (length !== undefined && length > limit) {
    done(tooLarge(`the body has ${length} bytes`, what, limit));
    return;
  }
  const claim = budget.claim(() => clientOf(request));
  const chunks: Buffer[] = [];
  let received = 0;
  const finish = (error: Error | null, body?: Buffer): void => {
    payload.off('data', take).off('end', end).off('error', fail).off('close', cutOff);
    // Beyond the endpoints nobody reads it.
    if (error || !endpoint) claim.release();
    else request.bodyClaim = claim;
    done(error, body);
  };
  const take = (chunk: Buffer): void => {
    received += chunk.length;
    try {
      if (received > limit) throw tooLarge('the body is too large', what, limit);
      claim.atLeast(received);
      chunks.push(chunk);
    } catch (error) {
      finish(error as Error);
    }
  };
  const end = (): void => {
    if (length !== undefined && length !== received) cutOff();
    // A copy: the pieces are parts of what the socket reads into.
    else finish(null, received === 0 ? undefined : Buffer.concat(chunks, received));
  };
  const fail = (error: Error): void => finish(Object.assign(error, { statusCode: 400 }));
  const cutOff = (): void => finish(new BrokenBody('the body did not arrive as announced'));
  try {
    claim.atLeast(length ?? 0);
  } catch (error) {
    done(error as Error);
    return;
  }
  payload.on('data', take).on('end', end).on('error', fail).on('close', cutOff);
}

function tooLarge(how: string, what: string, limit: number): RequestTooLarge {
  return new RequestTooLarge(
    `${how}, ${what} takes at most ${limit} (${inUnits(limit)}): leave out what it does not read, or send it in several requests`,
  );
}
