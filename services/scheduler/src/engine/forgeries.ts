import type { Clock } from '@rigel/clock';
import type { Logger } from 'pino';
import { FewLines } from './few-lines.js';

/**
 * What was said under the name of an executor without its key: by somebody else who has the NATS user of the executors. It is refused where it
 * comes in; here people are told.
 */
export class Forgeries {
  private readonly lines: FewLines;

  constructor(
    clock: Pick<Clock, 'now'>,
    private readonly log: Logger,
  ) {
    this.lines = new FewLines(clock, (refused) =>
      log.error({ refused }, 'the scheduler refused more messages that named executors without their keys'),
    );
  }

  /**
   * @param executor whose name, or whose lease, it was
   * @param what was refused, and why
   */
  refused(executor: string, what: string): void {
    if (!this.lines.tells(executor)) return;
    this.log.error(
      { executor, refused: what },
      `somebody spoke for executor ${executor} without its key and was refused. Unless the database was just restored from a backup, somebody ` +
        'else has the NATS user of the executors: give it another password, and look for who had it (docs/deploy.md, "What an executor is trusted with")',
    );
  }
}
