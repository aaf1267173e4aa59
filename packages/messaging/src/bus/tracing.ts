/** What a span is about. */
export interface SpanOptions {
  /** The W3C traceparent that it belongs to; default: what is under way here. */
  parent?: string | undefined;
  kind: 'server' | 'client' | 'consumer' | 'internal';
  attributes?: Record<string, string | number>;
}

/** Traces what this process does, see `startTracing` in the runtime. */
export interface Tracing {
  /** The W3C traceparent of what is under way here. */
  current(): string | undefined;
  /** Does the work in a span of its own, which ends with it and says whether it failed. */
  span<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T>;
}

let tracing: Tracing | undefined;

/** From now on this process is traced. Nothing of OpenTelemetry is even loaded in a process that is not. */
export function setTracing(traced: Tracing | undefined): void {
  tracing = traced;
}

/** The W3C traceparent of what is under way here; undefined when nothing is traced. */
export function traceparent(): string | undefined {
  return tracing?.current();
}

/** Does the work, in a span when this process is traced. */
export function traced<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  return tracing ? tracing.span(name, options, work) : work();
}
