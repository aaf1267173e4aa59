import { Counter, Histogram } from 'prom-client';

/** Operations by their subject, `{partition}` left as it is: their number is that of the contracts. */
export const rpcDuration = new Histogram({
  name: 'rigel_rpc_duration_seconds',
  help: 'How long operations took that this process answered, from the arrival of the request to the answer.',
  labelNames: ['operation'] as const,
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

export const rpcErrors = new Counter({
  name: 'rigel_rpc_errors_total',
  help: 'Operations that were answered with an error, by its code.',
  labelNames: ['operation', 'code'] as const,
});
