export { type AskedOnce, Bus, type CallContext, type RequestContext, type ServeOptions } from './bus/bus.js';
export type { ConnectOptions, NatsCredentials, NatsTls } from './bus/connection.js';
export { type SpanOptions, setTracing, type Tracing, traced, traceparent } from './bus/tracing.js';
export { assertMatches } from './wire/validation.js';
export { type TakeOptions, WorkQueue } from './work-queue.js';
