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
import { type Checkpoint, type Cursor, cursorAfter } from './checkpoint.js';

const REPLAY_LIMIT = 500;
const RETRY_MS = 1_000;
/**
 * Batches that wait while an earlier one is handled. If there are more, the oldest is dropped, and a replay reads its
 * events.
 */
const MAX_WAITING = 100;

/** Settles as the promise does, or rejects with the signal's reason when that is aborted. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/**
 * Follows the history of another service: each event exactly once and in order. The consumer writes its checkpoint in
 * the transaction of its changes, so neither a crash nor a repeated message does anything twice. If a batch does not
 * follow the checkpoint, the consumer reads from the owner's table instead, so it is right even if NATS lost
 * everything.
 *
 * If the history ends before the checkpoint, or has another event there, the owner's database was restored to an
 * earlier time. Positions after that time are then used again for other events. So the checkpoint goes back to the last
 * event that both sides have, and the consumer handles all later events. Each batch names the event that it follows,
 * and each replay reads the event at the checkpoint again. So the consumer notices a restore when it starts, and at the
 * first message of the owner.
 */
export class EventConsumer {
  private readonly stopping = new AbortController();
  private readonly waiting: EventBatch[] = [];
  private wakeUp: () => void = () => undefined;
  private loop: Promise<void> | undefined;
  private unsubscribe: (() => void) | undefined;
  /** How far the consumer is; undefined: not known. */
  private cursor: Cursor | undefined;
  /** The last position that the owner has announced. */
  private announced = -1;

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
      this.announced = Math.max(this.announced, endOf(batch));
      if (this.waiting.length >= MAX_WAITING) this.waiting.shift();
      this.waiting.push(batch);
      this.wakeUp();
    });
    this.loop = this.run();
  }

  /** The service whose history the consumer follows. */
  get owner(): EventOwner {
    return this.options.owner;
  }

  /** Number of events that the owner has announced and this consumer has not handled yet. */
  get lag(): number {
    return this.cursor ? Math.max(0, this.announced - this.cursor.position) : 0;
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
        if (!this.cursor) {
          this.cursor = await this.options.checkpoint.read();
          await this.replay(this.cursor);
        }
        for (let batch = this.waiting.shift(); batch && !signal.aborted; batch = this.waiting.shift()) {
          await this.accept(this.cursor, batch);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.cursor = undefined;
        log.warn(
          { err: error, owner },
          `following the events of the ${owner} failed, trying again from the checkpoint`,
        );
        await this.options.clock.sleep(RETRY_MS, signal).catch(() => undefined);
        continue;
      }
      await woken;
    }
  }

  private async accept(cursor: Cursor, batch: EventBatch): Promise<void> {
    const { position } = cursor;
    const end = endOf(batch);
    const isEmpty = end === batch.after;
    // An empty batch says where the history ends. If that is before our cursor, the batch is late, or the owner was
    // restored.
    const endsBefore = isEmpty && end < position;
    const gap = batch.after > position || (isEmpty && end > position);
    if (differ(cursor, identityIn(batch, position)) || endsBefore || gap) {
      // The owner's table decides.
      await this.replay(cursor);
    } else if (end > position) {
      await this.advance(cursor, cursorAfter(cursor, batch), batch.events);
    }
  }

  private async advance(from: Cursor, to: Cursor, events: readonly PublishedEvent[]): Promise<void> {
    const next = events.filter(({ position }) => position > from.position);
    await this.options.checkpoint.advance(to, next);
    this.cursor = to;
  }

  /** Reads from a cursor to the end of the history. */
  private async replay(from: Cursor): Promise<void> {
    let cursor = from;
    while (!this.stopping.signal.aborted) {
      const { position } = cursor;
      // Including the event at our cursor, to check that it is still the same.
      const before = Math.max(0, position - 1);
      const { events, head } = await this.read(before, REPLAY_LIMIT + position - before);
      const next = events.filter((event) => event.position > position);
      if (head < position || differ(cursor, identityAt(position, events))) {
        cursor = await this.goBack(cursor, head);
        this.cursor = cursor;
      } else {
        if (next.length === 0) return;
        const to = cursorAfter(cursor, { events: next });
        await this.advance(cursor, to, next);
        cursor = to;
      }
      if (cursor.position >= head) return;
    }
  }

  private read(after: number, limit: number): Promise<{ events: PublishedEvent[]; head: number }> {
    const { bus, owner } = this.options;
    const answer = bus.call(
      readEvents(owner),
      { after, limit },
      { correlationId: `replay-${owner}`, actor: 'system' },
    );
    // A call to an owner that does not answer takes seconds: too long for a consumer that stops.
    return unlessAborted(answer, this.stopping.signal);
  }

  private async goBack(from: Cursor, head: number): Promise<Cursor> {
    const { checkpoint, log, owner } = this.options;
    const to = await this.lastInCommon(from, head);
    await checkpoint.goBack(to);
    this.announced = head;
    const lost = from.position - to.position;
    log.error(
      { owner, followed: from.position, event: from.event, head, back: to.position, lost },
      `the database of the ${owner} was restored to an earlier time: its history ends at position ${head} and lacks events that were followed ` +
        `up to position ${from.position}. Effects of the ${lost} lost events stay here; following goes on from position ${to.position}`,
    );
    return to;
  }

  /**
   * The last followed event that is still in the owner's history. The owner recorded all events since the restore later
   * than every event that we have followed. If clocks went wrong, the consumer skips some of these events, but handles
   * none twice.
   */
  private async lastInCommon(from: Cursor, head: number): Promise<Cursor> {
    const { recordedUntil } = from;
    /** The last common position is between `least` and this. */
    let most = Math.min(head, from.position - 1);
    let least = 0;
    let common: Cursor = { position: 0, event: undefined, recordedUntil };
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

/** The last position that a batch announces. */
function endOf({ after, events, end }: EventBatch): number {
  return end?.position ?? events.at(-1)?.position ?? after;
}

/** Identity of the event that a batch has at a position; undefined: the batch does not say. */
function identityIn({ after, previous, events, end }: EventBatch, position: number): string | undefined {
  if (position === after) return previous;
  if (position === end?.position) return end.identity;
  return identityAt(position, events);
}

function identityAt(position: number, events: readonly PublishedEvent[]): string | undefined {
  const event = events.find((candidate) => candidate.position === position);
  return event && eventIdentity(event);
}

/** Whether the event at the cursor is known to be another one now. */
function differ(cursor: Cursor, there: string | undefined): boolean {
  return cursor.event !== undefined && there !== undefined && cursor.event !== there;
}
