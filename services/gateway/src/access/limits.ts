import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const WINDOW_MS = 60_000;

/** Counts the requests of a minute, at this gateway alone. */
export interface Limits {
  /** Counts a request of a token. @returns seconds to wait if it is over the limit. */
  countRequest(request: FastifyRequest): Promise<number | undefined>;
  /** Counts a request without valid credentials, for its address. */
  countFailure(request: FastifyRequest): Promise<void>;
  /** @returns seconds to wait if requests without valid credentials from its address are over the limit. */
  failuresExceeded(request: FastifyRequest): Promise<number | undefined>;
}

/** @param limits.requests in a minute of one token, 0 = any number; `failures`: in a minute from one address. */
export async function createLimits(
  app: FastifyInstance,
  { requests, failures }: { requests: number; failures: number },
): Promise<Limits> {
  await app.register(rateLimit, { global: false, max: failures, timeWindow: WINDOW_MS });
  // By IPv4 address or IPv6 network, because one host has all addresses of its IPv6 network.
  const failed = app.createRateLimit({});
  const all = app.createRateLimit({
    max: requests,
    keyGenerator: (request) => String(request.principal?.tokenId),
  });
  return {
    async countRequest(request) {
      if (requests === 0) return undefined;
      const state = await all(request);
      return !state.isAllowed && state.isExceeded ? state.ttlInSeconds : undefined;
    },
    async countFailure(request) {
      await failed(request);
    },
    async failuresExceeded(request) {
      const state = await failed(request, { increment: false });
      return !state.isAllowed && state.remaining === 0 ? state.ttlInSeconds : undefined;
    },
  };
}
