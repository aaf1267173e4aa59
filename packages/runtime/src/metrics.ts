import { collectDefaultMetrics, Gauge, register } from 'prom-client';

/** A value for each combination of labels; one number stands for a metric without labels. */
export type Sample = number | readonly (readonly [labels: Record<string, string>, value: number])[];

/**
 * A gauge that is read when somebody scrapes, and costs nothing otherwise. One of the same name is replaced: the process has
 * one of each part. No label may grow with the fleet (no address, node, task, pool).
 * @param read gives the values; a throwing one leaves the metric without any.
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
        // What cannot be read has no value; a metric without labels would say 0 after reset().
        sample = metric.labelNames ? [] : Number.NaN;
      }
      if (typeof sample === 'number') this.set(sample);
      else for (const [labels, value] of sample) this.set(labels, value);
    },
  });
}

let collecting = false;

/** Processor time, memory, event loop delay and garbage collection of this process, and which process it is. */
export function collectProcessMetrics(service: string): void {
  if (collecting) return;
  collecting = true;
  collectDefaultMetrics();
  sampled(
    { name: 'rigel_process_info', help: 'Which service this process is; always 1.', labelNames: ['service'] },
    () => [[{ service }, 1]],
  );
}
