import { type Clock, LineLimit } from '@rigel/clock';
import type { Logger } from 'pino';
import { ABOUT_EXECUTORS } from './log-limits.js';

/**
 * Messages that named an executor without its key: somebody else who has the NATS user of the executors sent them. They are refused
 * where they come in; here the log tells the operator.
 */
export class Forgeries {
  private readonly limit: LineLimit;

  constructor(
    clock: Pick<Clock, 'now'>,
    private readonly log: Logger,
  ) {
    this.limit = new LineLimit(clock, ABOUT_EXECUTORS);
  }

  /**
   * @param executor whose name, or whose lease, the message named
   * @param what was refused, and why
   */
  refused(executor: string, what: string): void {
    const leftOut = this.limit.admit(executor);
    if (leftOut === undefined) return;
    if (leftOut > 0) {
      this.log.error(
        { refused: leftOut },
        'the scheduler refused more messages that named executors without their keys',
      );
    }
    this.log.error(
      { executor, refused: what },
      `the scheduler refused a message that named executor ${executor} without its key. Unless the database was just restored from a backup, ` +
        'somebody else has the NATS user of the executors: give it another password, and look for who had it (docs/deploy.md, "What an executor is trusted with")',
    );
  }
}
