import type { Clock } from '@rigel/clock';
import type { Logger } from 'pino';

/** Lines of the log in a minute at most: names can be made up. */
const LINES = 20;
const MINUTE_MS = 60_000;

/**
 * What was said under the name of an executor without its key: by somebody else who has the NATS user of the executors. It is refused where it
 * comes in; here people are told, once a minute for each name.
 */
export class Forgeries {
  private told = new Set<string>();
  private untold = 0;
  private since = 0;

  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    private readonly log: Logger,
  ) {}

  /**
   * @param executor whose name, or whose lease, it was
   * @param what was refused, and why
   */
  refused(executor: string, what: string): void {
    const now = this.clock.now();
    if (now - this.since >= MINUTE_MS) {
      if (this.untold > 0)
        this.log.error({ refused: this.untold }, 'more was said for executors without their keys');
      this.told = new Set();
      this.untold = 0;
      this.since = now;
    }
    if (this.told.has(executor) || this.told.size >= LINES) {
      this.untold++;
      return;
    }
    this.told.add(executor);
    this.log.error(
      { executor, refused: what },
      `somebody spoke for executor ${executor} without its key and was refused: whoever it is has the NATS user of the executors. ` +
        'Give that user another password, and look for who had it (docs/deploy.md, "What an executor is trusted with")',
    );
  }
}
