export { type AskedOnce, Bus, type CallContext, type RequestContext, type ServeOptions } from './bus.js';
export type { ConnectOptions, NatsCredentials, NatsTls } from './connection.js';
export { type SpanOptions, setTracing, type Tracing, traced, traceparent } from './tracing.js';
export { assertMatches } from './validation.js';
export { type TakeOptions, WorkQueue } from './work-queue.js';
