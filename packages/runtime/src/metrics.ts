import { collectDefaultMetrics, Gauge, register } from 'prom-client';

/** A value for each combination of labels; one number stands for a metric without labels. */
export type Sample = number | readonly (readonly [labels: Record<string, string>, value: number])[];

/**
 * A gauge that is read at each scrape and costs nothing otherwise. It replaces a gauge of the same name. No label may
 * grow with the fleet (no address, node, task, pool).
 * @param read gives the values. If it throws, the metric has no value.
 */
export function sampled(
  metric: { name: string; help: string; labelNames?: readonly string[] },
  read: () => Promise<Sample> | Sample,
): void {
  register.removeSingleMetric(metric.name);
  new Gauge({
    name: metric.name,
    help: metric.help,
    labelNames: [...(metric.labelNames ?? [])],
    async collect() {
      this.reset();
      let sample: Sample;
      try {
        sample = await read();
      } catch {
        // If reading fails there must be no value; after reset() a metric without labels would be 0.
        sample = metric.labelNames ? [] : Number.NaN;
      }
      if (typeof sample === 'number') this.set(sample);
      else for (const [labels, value] of sample) this.set(labels, value);
    },
  });
}

let collecting = false;

/**
 * Metrics of this process: processor time, memory, event loop delay, garbage collection, and the name of the service.
 */
export function collectProcessMetrics(service: string): void {
  if (collecting) return;
  collecting = true;
  collectDefaultMetrics();
  sampled(
    {
      name: 'rigel_process_info',
      help: 'Always 1; the label says which service this process is.',
      labelNames: ['service'],
    },
    () => [[{ service }, 1]],
  );
}
