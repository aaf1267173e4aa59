import {
  EventBatch,
  type EventOwner,
  eventsSubject,
  OutputStored,
  outputStoredSubject,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';

/**
 * How often output is read without a hint: NATS drops messages that it cannot deliver, and no hint says that a run has
 * ended.
 */
const OUTPUT_RECHECK_MS = 1_000;

/** Something that reads again when it is woken. */
export interface Sleeper {
  wake(): void;
}

/**
 * Wakes those who wait for events of a service, when the service publishes events: of one stream, or any. It listens
 * while somebody waits. A batch that does not follow the one before (a message was lost, or too large to be published)
 * wakes all of them. Services publish the end of their history once a second, so a lost message is noticed.
 */
export class EventWakeUps {
  private readonly ofStreams = new Map<string, Set<Sleeper>>();
  private readonly ofAny = new Set<Sleeper>();
  private unsubscribe: (() => void) | undefined;
  /** The last position that was published; unknown at the beginning. */
  private position = -1;

  constructor(
    private readonly bus: Bus,
    private readonly owner: EventOwner,
  ) {}

  /**
   * @param stream the stream whose events wake it; undefined = any event of the service.
   * @returns ends it.
   */
  add(stream: string | undefined, sleeper: Sleeper): () => void {
    const { ofStreams, ofAny } = this;
    const waiting = stream === undefined ? ofAny : (ofStreams.get(stream) ?? new Set());
    if (stream !== undefined) ofStreams.set(stream, waiting);
    waiting.add(sleeper);
    if (!this.unsubscribe) {
      this.position = -1;
      this.unsubscribe = this.bus.subscribe(eventsSubject(this.owner), EventBatch, (batch) =>
        this.accept(batch),
      );
    }
    return () => {
      waiting.delete(sleeper);
      if (stream !== undefined && waiting.size === 0 && ofStreams.get(stream) === waiting)
        ofStreams.delete(stream);
      if (ofStreams.size > 0 || ofAny.size > 0) return;
      this.unsubscribe?.();
      this.unsubscribe = undefined;
    };
  }

  private accept({ after, events, end, streams = [] }: EventBatch): void {
    const known = this.position;
    this.position = Math.max(known, after, end?.position ?? events.at(-1)?.position ?? 0);
    if (known < 0 || after > known) {
      for (const waiting of this.ofStreams.values()) for (const sleeper of waiting) sleeper.wake();
      for (const sleeper of this.ofAny) sleeper.wake();
      return;
    }
    // A batch that comes twice may wake for nothing.
    const touched = new Set([...streams, ...events.map((event) => event.stream)]);
    for (const stream of touched) for (const sleeper of this.ofStreams.get(stream) ?? []) sleeper.wake();
    if (touched.size > 0) for (const sleeper of this.ofAny) sleeper.wake();
  }
}

/** Wakes a reader of a run's output when more output is stored, and from time to time. */
export function wakeByOutput(bus: Bus, nsid: number, sleeper: Sleeper): () => void {
  const unsubscribe = bus.subscribe(outputStoredSubject(nsid), OutputStored, () => sleeper.wake());
  const timer = setInterval(() => sleeper.wake(), OUTPUT_RECHECK_MS);
  return () => {
    unsubscribe();
    clearInterval(timer);
  };
}
