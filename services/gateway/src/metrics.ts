import { sampled } from '@rigel/runtime';
import type { FastifyInstance } from 'fastify';
import { Histogram } from 'prom-client';
import type { RequestReporter } from './audit/reporter.js';
import type { LiveStreams } from './live/live-streams.js';
import type { TaskEnds } from './task-ends.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** It was answered when something else had happened, so its time tells nothing of the gateway. */
    waited: boolean;
  }
}

const httpDuration = new Histogram({
  name: 'rigel_http_request_duration_seconds',
  help: 'How long HTTP requests took to be answered, by endpoint and status code; live streams and who waits for a task are not among them.',
  labelNames: ['endpoint', 'code'] as const,
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

/** Addresses that are no endpoint of the API: one name for all, whatever clients ask for. */
const OTHER = 'other';

/** Measures every request, and counts the live streams and waiting requests that are open and the refusals that the audit has still to learn of. */
export function measureHttp(
  app: FastifyInstance,
  { live, taskEnds, reporter }: { live: LiveStreams; taskEnds: TaskEnds; reporter: RequestReporter },
): void {
  app.decorateRequest('waited', false);
  app.addHook('onResponse', (request, reply, done) => {
    const isStream = String(reply.getHeader('content-type')).startsWith('text/event-stream');
    if (!isStream && !request.waited) {
      const endpoint = request.routeOptions.config.endpoint?.id ?? OTHER;
      httpDuration.observe({ endpoint, code: reply.statusCode }, reply.elapsedTime / 1_000);
    }
    done();
  });
  sampled(
    { name: 'rigel_audit_requests_waiting', help: 'Refused requests that are not in the audit yet.' },
    () => reporter.pending,
  );
  sampled(
    { name: 'rigel_http_waits_open', help: 'Requests that wait for the end of a task.' },
    () => taskEnds.count,
  );
  sampled({ name: 'rigel_http_streams_open', help: 'Live streams that are open.' }, () => live.count);
}
