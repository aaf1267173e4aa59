import type { Clock } from '@rigel/clock';
import type { AttemptReport, StepRunner } from './step-runner.js';

/** Does nothing and ends at once. A benchmark of these steps measures the cost of the engine alone. */
export class NoopRunner implements StepRunner {
  constructor(private readonly clock: Clock) {}

  async run(): Promise<AttemptReport> {
    const now = this.clock.now();
    return { result: { status: 'succeeded', reason: '', started_at: now, finished_at: now } };
  }

  async stop(): Promise<AttemptReport> {
    const now = this.clock.now();
    return { result: { status: 'stopped', reason: '', started_at: now, finished_at: now } };
  }

  close(): void {}
}
