/** Options of a span. */
export interface SpanOptions {
  /** W3C traceparent of the parent; default: the current span of this process. */
  parent?: string | undefined;
  kind: 'server' | 'client' | 'consumer' | 'internal';
  attributes?: Record<string, string | number>;
}

/** The tracer of this process, see `startTracing` in the runtime. */
export interface Tracing {
  /** W3C traceparent of the current span. */
  current(): string | undefined;
  /** Does the work in a new span. The span ends with the work and records whether it failed. */
  span<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T>;
}

let tracing: Tracing | undefined;

/** Sets the tracer of this process. A process without one does not load OpenTelemetry at all. */
export function setTracing(traced: Tracing | undefined): void {
  tracing = traced;
}

/** W3C traceparent of the current span; undefined without tracing. */
export function traceparent(): string | undefined {
  return tracing?.current();
}

/** Does the work, in a new span if this process is traced. */
export function traced<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  return tracing ? tracing.span(name, options, work) : work();
}
