import { type SpanOptions, setTracing } from '@rigel/messaging';
import type { Logger } from 'pino';

/** Time limit for sending the last spans at the shutdown. */
const FLUSH_MS = 2_000;

/** Whether RIGEL_OTEL_ENDPOINT or the standard variables of OpenTelemetry ask for traces. */
export function tracingWanted(endpoint: string, env: NodeJS.ProcessEnv): boolean {
  if (env.OTEL_SDK_DISABLED === 'true') return false;
  return [endpoint, env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some(Boolean);
}

/**
 * Sends traces of this process to an OTLP/HTTP receiver. Only this function loads OpenTelemetry. Its standard variables
 * (OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER, …) apply.
 * @param options.endpoint base address of the receiver; empty: the standard variables name it.
 * @returns a function that sends the last spans and ends tracing.
 */
export async function startTracing(options: {
  service: string;
  name: string;
  endpoint: string;
  log: Logger;
}): Promise<() => Promise<void>> {
  const [api, { BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const { service, name, endpoint, log } = options;
  const exporter = new OTLPTraceExporter(
    endpoint ? { url: `${endpoint.replace(/\/+$/, '')}/v1/traces` } : {},
  );
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `rigel-${service}`, 'service.instance.id': name }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();
  const { context, propagation, SpanKind, SpanStatusCode, trace } = api;
  const tracer = trace.getTracer('rigel');
  const kinds: Record<SpanOptions['kind'], number> = {
    server: SpanKind.SERVER,
    client: SpanKind.CLIENT,
    consumer: SpanKind.CONSUMER,
    internal: SpanKind.INTERNAL,
  };
  setTracing({
    current: () => {
      const carrier: { traceparent?: string } = {};
      propagation.inject(context.active(), carrier);
      return carrier.traceparent;
    },
    span: (spanName, { parent, kind, attributes = {} }, work) => {
      const active = context.active();
      const within = parent === undefined ? active : propagation.extract(active, { traceparent: parent });
      return tracer.startActiveSpan(spanName, { kind: kinds[kind], attributes }, within, async (span) => {
        try {
          return await work();
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          span.setStatus({ code: SpanStatusCode.ERROR, message });
          throw error;
        } finally {
          span.end();
        }
      });
    },
  });
  log.info('this process sends traces');
  return async () => {
    setTracing(undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS);
    });
    // A receiver that does not answer must not delay the end of the process.
    await Promise.race([provider.shutdown().catch(() => undefined), late]);
    clearTimeout(timer);
  };
}
