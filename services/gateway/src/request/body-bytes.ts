import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { RequestTooLarge } from '../failures.js';
import type { BodyBudget, Claim } from './body-budget.js';
import { bodyLimitsOf, inUnits } from './body-limits.js';
import { clientOf } from './client.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The part of the budget that its body takes; null without a body. Released when the request is answered. */
    bodyClaim: Claim | null;
  }
}

/** A body did not arrive as it was announced. */
class BrokenBody extends Error {
  readonly statusCode = 400;
}

type Done = (error: Error | null, body?: Buffer) => void;

/**
 * Plugin: reads the bodies of all requests as bytes, whatever their type, up to the limit of their endpoint. A body
 * whose announced length is larger is refused before it arrives; any other body as soon as it becomes larger.
 */
export const bodies = fp<{ budget: BodyBudget }>(
  (app, { budget }, loaded) => {
    app.addHttpMethod('GET', { hasBody: true, overrideExisting: true });
    app.decorateRequest('bodyClaim', null);
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (request, payload, done) =>
      readBytes(request, payload as IncomingMessage, budget, done),
    );
    app.addHook('onRequest', (request, _reply, done) => {
      // Clients' Content-Type is wrong too often to be read, or even to be refused.
      delete request.raw.headers['content-type'];
      done();
    });
    loaded();
  },
  { name: 'bodies', dependencies: ['access'] },
);

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
  const claim = budget.claim(() => clientOf(request), length);
  const chunks: Buffer[] = [];
  let received = 0;
  let finished = false;
  const finish = (error: Error | null, body?: Buffer): void => {
    // Not by taking the listeners away: every request would pay for four of them.
    if (finished) return;
    finished = true;
    // Only endpoints read bodies.
    if (error || !endpoint) claim.release();
    else request.bodyClaim = claim;
    done(error, body);
  };
  const take = (chunk: Buffer): void => {
    if (finished) return;
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
    // A copy: the pieces are parts of the buffer that the socket reads into.
    else finish(null, received === 0 ? undefined : Buffer.concat(chunks, received));
  };
  const fail = (error: Error): void => finish(Object.assign(error, { statusCode: 400 }));
  // The connection of a whole body is closed too, later. An error that is not needed costs its stack.
  const cutOff = (): void => {
    if (!finished) finish(new BrokenBody('the body did not arrive as announced'));
  };
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
