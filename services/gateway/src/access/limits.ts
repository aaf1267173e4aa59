import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const WINDOW_MS = 60_000;

/** Counts requests by the minute, at this gateway alone. */
export interface Limits {
  /** Counts a request of a token. @returns seconds to wait when it is one too many. */
  countRequest(request: FastifyRequest): Promise<number | undefined>;
  /** Counts a request without valid credentials, by the address that it comes from. */
  countFailure(request: FastifyRequest): Promise<void>;
  /** @returns seconds to wait when too many of those have come from its address. */
  failuresExceeded(request: FastifyRequest): Promise<number | undefined>;
}

/** @param settings.requests in a minute of one token, 0 = any number; `failures`: of one address. */
export async function createLimits(
  app: FastifyInstance,
  { requests, failures }: { requests: number; failures: number },
): Promise<Limits> {
  await app.register(rateLimit, { global: false, max: failures, timeWindow: WINDOW_MS });
  // By the address; of IPv6 the network, because one host has all of its addresses.
  const failed = app.createRateLimit({});
  const all = app.createRateLimit({
    max: requests,
    keyGenerator: (request) => String(request.principal?.credentials.id),
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
