import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Logger } from 'pino';
import { pathOf } from '../request/address.js';

/** Addresses that supervisors of the process ask all the time. */
const PROBES = new Set(['/healthz', '/readyz']);

/** Plugin: one line in the log for each request. */
export const requestLog = fp<{ log: Logger }>(
  (app, { log: ofProcess }, loaded) => {
    // The line has fixed fields without secrets, and looking for secrets in it costs more than writing it.
    const log = ofProcess.child({}, { redact: [] });
    app.addHook('onResponse', (request, reply, done) => {
      logRequest(log, request, reply.statusCode, reply.elapsedTime);
      done();
    });
    loaded();
  },
  { name: 'request-log' },
);

export function logRequest(log: Logger, request: FastifyRequest, code: number, ms: number): void {
  const path = pathOf(request.url);
  log[PROBES.has(path) ? 'debug' : 'info'](
    { correlation_id: request.id, method: request.method, path, code, ms: Math.round(ms * 10) / 10 },
    'request',
  );
}
