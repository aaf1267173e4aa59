import { EventBatch, eventsSubject, OutputStored, outputStoredSubject, taskStream } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Feed } from './feed.js';

/**
 * How often output is read without a hint: NATS drops messages that it cannot deliver, and no hint says that a run has
 * ended.
 */
const OUTPUT_RECHECK_MS = 1_000;

/**
 * Wakes the feeds of tasks when the scheduler publishes events of these tasks. It listens while there are feeds. A
 * batch that does not follow the one before (a message was lost, or too large to be published) wakes all feeds. The
 * scheduler publishes the end of its history once a second, so a lost message is noticed.
 */
export class TaskWakeUps {
  private readonly feeds = new Map<string, Feed>();
  private unsubscribe: (() => void) | undefined;
  /** The last position that was published; unknown at the beginning. */
  private position = -1;

  constructor(private readonly bus: Bus) {}

  add(taskId: number, feed: Feed): () => void {
    const stream = taskStream(taskId);
    this.feeds.set(stream, feed);
    if (!this.unsubscribe) {
      this.position = -1;
      this.unsubscribe = this.bus.subscribe(eventsSubject('scheduler'), EventBatch, (batch) =>
        this.accept(batch),
      );
    }
    return () => {
      this.feeds.delete(stream);
      if (this.feeds.size > 0) return;
      this.unsubscribe?.();
      this.unsubscribe = undefined;
    };
  }

  private accept({ after, events, end, streams = [] }: EventBatch): void {
    const known = this.position;
    this.position = Math.max(known, after, end?.position ?? events.at(-1)?.position ?? 0);
    if (known < 0 || after > known) {
      for (const feed of this.feeds.values()) feed.wake();
      return;
    }
    // A batch that comes twice may wake a feed for nothing.
    for (const stream of new Set([...streams, ...events.map((event) => event.stream)])) {
      this.feeds.get(stream)?.wake();
    }
  }
}

/** Wakes the feed of a run's output when more output is stored, and from time to time. */
export function wakeByOutput(bus: Bus, nsid: number, feed: Feed): () => void {
  const unsubscribe = bus.subscribe(outputStoredSubject(nsid), OutputStored, () => feed.wake());
  const timer = setInterval(() => feed.wake(), OUTPUT_RECHECK_MS);
  return () => {
    unsubscribe();
    clearInterval(timer);
  };
}
