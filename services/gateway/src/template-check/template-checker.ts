import { Worker } from 'node:worker_threads';
import type { CheckRequest, CheckResult } from '@rigel/command-template';
import { ServiceError } from '@rigel/contracts';
import { GatewayIsFull } from '../failures.js';

/** The longest text of ordinary commands takes some tenths of a second. */
const DEADLINE_MS = 3_000;
const WAITING = 16;
const MEGABYTES = 256;

/**
 * Checks texts of actions in a thread of its own: a long text must not hold up the other requests of the gateway. One
 * check runs at a time, for at most `DEADLINE_MS`.
 */
export class TemplateChecker {
  private worker: Worker | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  /**
   * @throws GatewayIsFull if too many checks wait.
   * @throws ServiceError `invalid` (field `text`) if the check takes too long.
   */
  async check(request: CheckRequest): Promise<CheckResult> {
    if (this.waiting >= WAITING) throw new GatewayIsFull(`${WAITING} checks wait already: try again`);
    this.waiting++;
    const result = this.last.then(() => this.run(request));
    this.last = result.catch(() => undefined);
    return result.finally(() => this.waiting--);
  }

  private run(request: CheckRequest): Promise<CheckResult> {
    const worker = this.started();
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(deadline);
        worker.off('message', answered).off('error', ended).off('exit', left);
      };
      const ended = (error: Error) => {
        settle();
        this.worker = undefined;
        // What else it has to say of its end is of no interest.
        worker.on('error', () => undefined);
        void worker.terminate();
        reject(error);
      };
      const left = () => ended(new Error('the thread that checks templates has ended'));
      const answered = (result: CheckResult) => {
        settle();
        resolve(result);
      };
      const tooLong = () =>
        ended(
          new ServiceError(
            'command_text',
            `text takes longer than ${DEADLINE_MS / 1_000} s to check: divide it into several actions`,
            'text',
          ),
        );
      const deadline = setTimeout(tooLong, DEADLINE_MS);
      worker.on('message', answered).on('error', ended).on('exit', left);
      worker.postMessage(request);
    });
  }

  private started(): Worker {
    if (this.worker) return this.worker;
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MEGABYTES },
      // Nothing of the gateway's settings is for it.
      env: {},
    });
    // The thread does not keep the process alive, and one that ends while it is idle is replaced by the next check.
    worker.unref();
    worker.once('exit', () => {
      if (this.worker === worker) this.worker = undefined;
    });
    this.worker = worker;
    return worker;
  }
}
