import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { access, type DoneRequest, type UnsuccessfulRequest } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Logger } from 'pino';
import { Counter } from 'prom-client';
import { DenialSums, type Unnumbered } from './denial-sums.js';

/** Most requests that wait to be reported; further ones are only counted. */
const MAX_WAITING = 1_000;
const AT_ONCE = 200;
/** Requests that come within this time are reported together. */
const LINGER_MS = 100;
const RETRY_MS = 1_000;
const CLOSE_MS = 1_500;
/** How often the reporter checks whether sums of denials have to be reported. */
const SUMS_MS = 1_000;

const dropped = new Counter({
  name: 'rigel_audit_requests_dropped_total',
  help: 'Number of refused requests that the audit has only as a count, because too many were waiting.',
});

type Reported = Unnumbered & Pick<UnsuccessfulRequest, 'number'>;

/**
 * Reports requests to the access service that were not carried out, or that were and led to no event. No request waits for that. While the access service
 * does not answer, reports are kept, and beyond a limit only counted. Equal denials are reported together, see
 * `DenialSums`. (All other requests that were carried out are events and need no report.)
 */
export class RequestReporter {
  private readonly gateway = randomBytes(8).toString('hex');
  private readonly waiting: Reported[] = [];
  private readonly denials = new DenialSums();
  private readonly stopping = new AbortController();
  private summing: NodeJS.Timeout | undefined;
  private last = 0;
  /** The number of requests that were dropped and not reported as a count yet. */
  private notTold = 0;
  private running: Promise<void> | undefined;

  constructor(private readonly options: { bus: Bus; log: Logger }) {}

  /** The number of requests that wait to be reported. */
  get pending(): number {
    return this.waiting.length;
  }

  add(request: Unnumbered): void {
    if (request.outcome !== 'denied') {
      this.enqueue(request);
      return;
    }
    const atOnce = this.denials.add(request);
    if (atOnce) this.enqueue(atOnce);
    this.summing ??= setInterval(() => this.tellSums(Date.now()), SUMS_MS);
  }

  private tellSums(now: number): void {
    for (const request of this.denials.due(now)) this.enqueue(request);
    if (this.denials.size > 0) return;
    clearInterval(this.summing);
    this.summing = undefined;
  }

  private enqueue(request: Unnumbered): void {
    if (this.waiting.length >= MAX_WAITING) {
      const { times = 1 } = request;
      dropped.inc(times);
      if (this.notTold === 0)
        this.options.log.warn(
          'requests are refused faster than the audit takes them; the audit gets only the number of the others',
        );
      this.notTold += times;
      return;
    }
    this.waiting.push({ number: ++this.last, ...request });
    this.running ??= this.run();
  }

  /** Reports the requests that still wait, unless that takes too long. */
  async close(): Promise<void> {
    clearInterval(this.summing);
    for (const request of this.denials.due(Number.POSITIVE_INFINITY)) this.enqueue(request);
    const deadline = sleep(CLOSE_MS, undefined, { ref: false });
    await Promise.race([this.running, deadline]);
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    await sleep(LINGER_MS, undefined, { signal }).catch(() => undefined);
    while (this.waiting.length > 0) {
      const requests = this.waiting.slice(0, AT_ONCE);
      const notTold = this.notTold;
      // The same report again: the audit writes it once.
      while (!(await this.tell(requests, notTold))) {
        if (signal.aborted) break;
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
      if (signal.aborted) break;
      this.waiting.splice(0, requests.length);
      this.notTold -= notTold;
    }
    this.running = undefined;
  }

  private async tell(reported: readonly Reported[], dropped: number): Promise<boolean> {
    const { bus, log } = this.options;
    const requests = reported.flatMap(({ outcome, ...request }) =>
      outcome === 'done' ? [] : [{ ...request, outcome }],
    );
    const done = reported.filter(({ outcome }) => outcome === 'done').map(doneRequest);
    try {
      const context = { correlationId: `gateway-${this.gateway}`, actor: 'gateway' };
      await bus.call(
        access.recordRequests,
        { gateway: this.gateway, requests, ...(done.length > 0 ? { done } : {}), dropped },
        context,
      );
      return true;
    } catch (error) {
      if (!this.stopping.signal.aborted)
        log.warn(
          { err: error, waiting: this.waiting.length },
          'the access service did not take a report for the audit; the gateway sends it again',
        );
      return false;
    }
  }
}

function doneRequest({
  number,
  time,
  operator,
  action,
  target,
  client,
  correlation_id,
}: Reported): DoneRequest {
  return { number, time, operator, action, target, client, correlation_id };
}
