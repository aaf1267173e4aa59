import type { Clock } from '@rigel/clock';
import {
  EventBatch,
  type EventOwner,
  eventIdentity,
  eventsSubject,
  type PublishedEvent,
  readEvents,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Logger } from 'pino';
import { type Checkpoint, type Place, placeAfter } from './checkpoint.js';

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
 * A history that ends before the checkpoint, or has another event there, is the owner's database restored to an earlier moment
 * than ours. Positions are then given again, to other events; so the checkpoint goes back to the last event that both have, and
 * whatever was recorded since then is handled. Each batch names the event that it follows, and each replay reads the one at the
 * checkpoint again, so it is noticed with the first message of the owner, and when the consumer starts.
 */
export class EventConsumer {
  private readonly stopping = new AbortController();
  private readonly waiting: EventBatch[] = [];
  private wakeUp: () => void = () => undefined;
  private loop: Promise<void> | undefined;
  private unsubscribe: (() => void) | undefined;
  /** Where the checkpoint stands; undefined: not known. */
  private place: Place | undefined;
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
      this.told = Math.max(this.told, endOf(batch));
      if (this.waiting.length >= MAX_WAITING) this.waiting.shift();
      this.waiting.push(batch);
      this.wakeUp();
    });
    this.loop = this.run();
  }

  /** Whose history it follows. */
  get owner(): EventOwner {
    return this.options.owner;
  }

  /** Events that the owner has told of and that are not handled yet. */
  get lag(): number {
    return this.place ? Math.max(0, this.told - this.place.position) : 0;
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
        if (!this.place) {
          this.place = await this.options.checkpoint.read();
          await this.replay(this.place);
        }
        for (let batch = this.waiting.shift(); batch && !signal.aborted; batch = this.waiting.shift()) {
          await this.accept(this.place, batch);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.place = undefined;
        log.warn({ err: error, owner }, 'following the events failed, trying again from the checkpoint');
        await this.options.clock.sleep(RETRY_MS, signal).catch(() => undefined);
        continue;
      }
      await woken;
    }
  }

  private async accept(place: Place, batch: EventBatch): Promise<void> {
    const { position } = place;
    const end = endOf(batch);
    const isEmpty = end === batch.after;
    // The word of where the history ends. Before our place, it comes late, or the owner was restored.
    const endsBefore = isEmpty && end < position;
    const gap = batch.after > position || (isEmpty && end > position);
    if (differ(place, identityIn(batch, position)) || endsBefore || gap) {
      // The owner knows.
      await this.replay(place);
    } else if (end > position) {
      await this.advance(place, placeAfter(place, batch), batch.events);
    }
  }

  private async advance(from: Place, to: Place, events: readonly PublishedEvent[]): Promise<void> {
    const next = events.filter(({ position }) => position > from.position);
    await this.options.checkpoint.advance(to, next);
    this.place = to;
  }

  /** Reads on from a place until nothing more is there. */
  private async replay(from: Place): Promise<void> {
    let place = from;
    while (!this.stopping.signal.aborted) {
      const { position } = place;
      // With the event at our place, to see that it is still the one.
      const before = Math.max(0, position - 1);
      const { events, head } = await this.read(before, REPLAY_LIMIT + position - before);
      const next = events.filter((event) => event.position > position);
      if (head < position || differ(place, identityAt(position, events))) {
        place = await this.goBack(place, head);
        this.place = place;
      } else {
        if (next.length === 0) return;
        const to = placeAfter(place, { events: next });
        await this.advance(place, to, next);
        place = to;
      }
      if (place.position >= head) return;
    }
  }

  private read(after: number, limit: number): Promise<{ events: PublishedEvent[]; head: number }> {
    const { bus, owner } = this.options;
    const answer = bus.call(
      readEvents(owner),
      { after, limit },
      { correlationId: `replay-${owner}`, actor: 'system' },
    );
    // An owner that is away keeps a caller waiting for seconds: too long for whoever wants to stop.
    return unlessAborted(answer, this.stopping.signal);
  }

  private async goBack(from: Place, head: number): Promise<Place> {
    const { checkpoint, log, owner } = this.options;
    const to = await this.lastInCommon(from, head);
    await checkpoint.goBack(to);
    this.told = head;
    const lost = from.position - to.position;
    log.error(
      { owner, followed: from.position, event: from.event, head, back: to.position, lost },
      `the history of the ${owner} ends at ${head} and does not have what was followed up to ${from.position}: its database was restored to an earlier moment; ` +
        `what came of the ${lost} lost events stays here, and it is followed from ${to.position} on`,
    );
    return to;
  }

  /**
   * The last event that was followed and is still in the owner's history. All that were recorded since the restore were so after
   * everything that we have followed. Should clocks deny that, some of them are passed over, and none is handled twice.
   */
  private async lastInCommon(from: Place, head: number): Promise<Place> {
    const { recordedUntil } = from;
    /** What is common is between 0 and this. */
    let most = Math.min(head, from.position - 1);
    let least = 0;
    let common: Place = { position: 0, event: undefined, recordedUntil };
    while (most > least) {
      const middle = Math.ceil((least + most) / 2);
      const [event] = (await this.read(middle - 1, 1)).events;
      if (event?.position !== middle) throw new Error(`the ${this.options.owner} lacks its event ${middle}`);
      if (recordedUntil !== undefined && event.recorded_at > recordedUntil) {
        most = middle - 1;
      } else {
        least = middle;
        common = { position: middle, event: eventIdentity(event), recordedUntil };
      }
    }
    return common;
  }
}

/** The last position that a batch tells of. */
function endOf({ after, events, end }: EventBatch): number {
  return end?.position ?? events.at(-1)?.position ?? after;
}

/** What a batch says is at a position; undefined: it does not say. */
function identityIn({ after, previous, events, end }: EventBatch, position: number): string | undefined {
  if (position === after) return previous;
  if (position === end?.position) return end.identity;
  return identityAt(position, events);
}

function identityAt(position: number, events: readonly PublishedEvent[]): string | undefined {
  const event = events.find((candidate) => candidate.position === position);
  return event && eventIdentity(event);
}

/** Whether another event is known to be at a place. */
function differ(place: Place, there: string | undefined): boolean {
  return place.event !== undefined && there !== undefined && place.event !== there;
}
