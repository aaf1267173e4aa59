import { sampled } from '@rigel/runtime';
import fp from 'fastify-plugin';
import { Histogram } from 'prom-client';
import type { RequestReporter } from './audit/reporter.js';
import type { LiveStreams } from './live/live-streams.js';
import type { TaskEnds } from './live/task-ends.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Its answer waited for an event, so its duration says nothing about the gateway. */
    waited: boolean;
  }
}

const httpDuration = new Histogram({
  name: 'rigel_http_request_duration_seconds',
  help: 'Duration in seconds of HTTP requests, by endpoint and status code, without live streams and without requests that wait for a task.',
  labelNames: ['endpoint', 'code'] as const,
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

/** The label of all addresses that are not an endpoint of the API. */
const OTHER = 'other';

interface MetricsOptions {
  live: LiveStreams;
  taskEnds: TaskEnds;
  reporter: RequestReporter;
}

/**
 * Plugin: measures every request, and counts open live streams, waiting requests, and refusals that the audit does not
 * have yet.
 */
export const httpMetrics = fp<MetricsOptions>(
  (app, { live, taskEnds, reporter }, loaded) => {
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
      {
        name: 'rigel_audit_requests_waiting',
        help: 'Number of refused requests that are not in the audit yet.',
      },
      () => reporter.pending,
    );
    sampled(
      { name: 'rigel_http_waits_open', help: 'Number of requests that wait for the end of a task.' },
      () => taskEnds.count,
    );
    sampled({ name: 'rigel_http_streams_open', help: 'Number of open live streams.' }, () => live.count);
    loaded();
  },
  { name: 'metrics' },
);
