import type { Clock } from '@rigel/clock';
import {
  EventBatch,
  type EventOwner,
  eventsSubject,
  type PublishedEvent,
  readEvents,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Logger } from 'pino';
import type { Checkpoint } from './checkpoint.js';

const REPLAY_LIMIT = 500;
const RETRY_MS = 1_000;
/** Batches kept while an earlier one is handled; beyond it they are dropped and read again by replay. */
const MAX_WAITING = 100;

/** The promise's outcome, or the signal's reason as soon as it is aborted. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/**
 * Follows another service's history, each event exactly once and in order. The checkpoint is written in the
 * transaction of what was done, so neither a crash nor a repeated message does anything twice; a batch that does not
 * follow the checkpoint makes the consumer read from the owner's table instead, so it is right even when NATS lost
 * everything.
 *
 * A history that ends before the checkpoint is the owner's database restored to an earlier moment than ours. Positions are then
 * given again, to other events; so the checkpoint goes back to where the history ends now, and whatever is recorded from then
 * on is handled. The owner's relay tells where its history ends when it starts, and a consumer looks when it starts.
 */
export class EventConsumer {
  private readonly stopping = new AbortController();
  private readonly waiting: EventBatch[] = [];
  private wakeUp: () => void = () => undefined;
  private loop: Promise<void> | undefined;
  private unsubscribe: (() => void) | undefined;
  /** Where the checkpoint stands, -1 = not known. */
  private position = -1;
  /** The furthest position that the owner has told of. */
  private told = -1;

  constructor(
    private readonly options: {
      owner: EventOwner;
      checkpoint: Checkpoint;
      bus: Bus;
      clock: Clock;
      log: Logger;
    },
  ) {}

  start(): void {
    const { bus, owner } = this.options;
    this.unsubscribe = bus.subscribe(eventsSubject(owner), EventBatch, (batch) => {
      this.told = Math.max(this.told, batch.events.at(-1)?.position ?? batch.after);
      if (this.waiting.length >= MAX_WAITING) this.waiting.shift();
      this.waiting.push(batch);
      this.wakeUp();
    });
    this.loop = this.run();
  }

  /** Events that the owner has told of and that are not handled yet. */
  get lag(): number {
    return this.position < 0 ? 0 : Math.max(0, this.told - this.position);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.unsubscribe?.();
    this.wakeUp();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { log, owner } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.wakeUp = resolve;
      });
      try {
        if (this.position < 0) {
          this.position = await this.options.checkpoint.read();
          await this.replay();
        }
        for (let batch = this.waiting.shift(); batch && !signal.aborted; batch = this.waiting.shift()) {
          await this.accept(batch);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.position = -1;
        log.warn({ err: error, owner }, 'following the events failed, trying again from the checkpoint');
        await this.options.clock.sleep(RETRY_MS, signal).catch(() => undefined);
        continue;
      }
      await woken;
    }
  }

  private async accept(batch: EventBatch): Promise<void> {
    const end = batch.events.at(-1)?.position ?? batch.after;
    if (end <= this.position) {
      // The word of where the history ends. Before our place, it comes late, or the owner was restored: the owner knows.
      if (batch.events.length === 0 && end < this.position) await this.replay();
      return;
    }
    if (batch.after > this.position || batch.events.length === 0) {
      await this.replay();
      return;
    }
    await this.apply(batch.events.filter((event) => event.position > this.position));
  }

  /** Reads on from the checkpoint until nothing more is there. */
  private async replay(): Promise<void> {
    const { bus, owner } = this.options;
    while (!this.stopping.signal.aborted) {
      const answer = bus.call(
        readEvents(owner),
        { after: this.position, limit: REPLAY_LIMIT },
        { correlationId: `replay-${owner}`, actor: 'system' },
      );
      // An owner that is away keeps a caller waiting for seconds: too long for whoever wants to stop.
      const { events, head } = await unlessAborted(answer, this.stopping.signal);
      if (head < this.position) {
        await this.goBack(head);
        return;
      }
      if (events.length > 0) await this.apply(events);
      if (this.position >= head || events.length === 0) return;
    }
  }

  private async goBack(head: number): Promise<void> {
    const { checkpoint, log, owner } = this.options;
    const from = this.position;
    await checkpoint.goBack(from, head);
    this.position = head;
    this.told = head;
    log.error(
      { owner, followed: from, head, lost: from - head },
      `the history of the ${owner} ends at ${head}, and it was followed up to ${from}: its database was restored to an earlier moment than this one; ` +
        `what came of the ${from - head} lost events stays here, and it is followed from ${head} on`,
    );
  }

  private async apply(events: readonly PublishedEvent[]): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    await this.options.checkpoint.advance(this.position, events);
    this.position = last.position;
  }
}
