import type { Clock } from '@rigel/clock';
import type { Logger } from 'pino';

const EVERY_MS = 10_000;

/** For log lines that other processes can cause at will: logs one in ten seconds, with the number of those left out. */
export class SeldomLog {
  private nextAt = 0;
  private leftOut = 0;

  constructor(
    private readonly log: Logger,
    private readonly clock: Clock,
  ) {}

  warn(fields: Record<string, unknown>, message: string): void {
    const now = this.clock.now();
    if (now < this.nextAt) {
      this.leftOut++;
      return;
    }
    this.nextAt = now + EVERY_MS;
    this.log.warn({ ...fields, left_out: this.leftOut }, message);
    this.leftOut = 0;
  }
}
