import { Counter, Histogram } from 'prom-client';

/** Labelled by subject with the literal `{partition}`, so there are as many series as operations in the contracts. */
export const rpcDuration = new Histogram({
  name: 'rigel_rpc_duration_seconds',
  help: 'Seconds from the arrival of a request over NATS to its answer, for the operations that this process serves.',
  labelNames: ['operation'] as const,
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

export const rpcErrors = new Counter({
  name: 'rigel_rpc_errors_total',
  help: 'Requests over NATS that this process answered with an error, by code.',
  labelNames: ['operation', 'code'] as const,
});
