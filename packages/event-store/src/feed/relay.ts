import type { Clock } from '@rigel/clock';
import {
  type EventBatch,
  type EventOwner,
  eventsSubject,
  PRIVATE_EVENTS,
  type PublishedEvent,
  readEvents,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Logger } from 'pino';
import type { RecordedEvent } from '../log/event.js';
import type { History } from '../log/event-store.js';
import { identityOf, toPublished } from './published.js';
import { replay } from './replay.js';

const BATCH = 500;
/** After a notification the relay waits this long for more to come together: a read for each commit would be many. */
const LINGER_MS = 100;
/** How often the end of the history is told when nothing happens, so that a consumer notices a lost last message. */
const IDLE_INTERVAL_MS = 1_000;
/** Events that are kept for the relay at most; beyond it they are forgotten, and read. */
const MAX_HANDED = 10_000;

/**
 * Publishes a service's history on NATS, in commit order, each batch naming the position it follows; and answers
 * replays. The event table is the outbox: the relay needs no memory of its own, because whoever misses a batch reads
 * it from the table through a replay. It uses plain publishing: storing the events in NATS as well would cost a second
 * write of everything and promise nothing that the replay does not already keep.
 *
 * Each replica of a service may run one: consumers ignore what they already have.
 */
export class EventRelay {
  private readonly stopping = new AbortController();
  private wakeUp: () => void = () => undefined;
  private loop: Promise<void> | undefined;
  private stopServing: (() => void) | undefined;
  /** Position up to which everything is published. */
  private last: number | undefined;
  /** Identity of the event there, as far as it is known. */
  private previous: string | undefined;
  /** What was recorded here and is not published yet, as it was handed over. */
  private handed: (readonly RecordedEvent[])[] = [];

  constructor(
    private readonly options: { owner: EventOwner; history: History; bus: Bus; clock: Clock; log: Logger },
  ) {}

  start(): void {
    const { owner, history, bus } = this.options;
    this.stopServing = bus.serve(readEvents(owner), async ({ after, limit }) => {
      const head = await history.head();
      const events = await replay(history, after, limit);
      return { events, head: Math.max(head, events.at(-1)?.position ?? 0) };
    });
    this.loop = this.run();
  }

  /**
   * Says that something was recorded; without it the relay looks once a second.
   * @param recorded the events themselves, in their order, when they are committed for certain. Where they follow what
   *   was published last, the relay need not read them; whatever is missing before them makes it read.
   */
  notify(recorded: readonly RecordedEvent[] = []): void {
    if (recorded.length > 0) this.handed.push(recorded);
    if (this.handed.reduce((count, { length }) => count + length, 0) > MAX_HANDED) this.handed = [];
    this.wakeUp();
  }

  /**
   * How far the publishing is behind the history, in events and in milliseconds since the oldest unpublished one was
   * recorded. Nothing before the relay has begun.
   */
  async lag(): Promise<{ events: number; ms: number }> {
    const { history, clock } = this.options;
    if (this.last === undefined) return { events: 0, ms: 0 };
    const [oldest] = await history.after(this.last, 1);
    if (!oldest) return { events: 0, ms: 0 };
    const behind = (await history.head()) - oldest.position + 1;
    return { events: Math.max(1, behind), ms: Math.max(0, clock.now() - oldest.recordedAt) };
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.stopServing?.();
    this.wakeUp();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { history, clock, log } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      // Armed before reading, so that a notification during the read is not lost.
      const woken = new Promise<void>((resolve) => {
        this.wakeUp = resolve;
      });
      try {
        this.last ??= await this.begin();
        const events = this.takeHanded(this.last) ?? (await history.after(this.last, BATCH));
        this.publish(this.last, this.previous, events);
        const end = events.at(-1);
        if (end) {
          this.last = end.position;
          this.previous = identityOf(end);
        }
        if (events.length >= BATCH) continue;
      } catch (error) {
        log.warn({ err: error }, 'the relay cannot read the history, trying again');
      }
      const idle = new AbortController();
      await Promise.race([woken, clock.sleep(IDLE_INTERVAL_MS, idle.signal).catch(() => undefined)]);
      idle.abort();
      if (!signal.aborted) await clock.sleep(LINGER_MS);
    }
  }

  /** Where the history ends. It is logged, so that after a restore it can be seen what there is; and told, see `EventConsumer`. */
  private async begin(): Promise<number> {
    const { owner, history, log } = this.options;
    const head = await history.head();
    // The last one may be of a type that only a newer release knows.
    const [latest] = head === 0 ? [] : await history.after(head - 1, 1).catch(() => []);
    const recorded = latest ? new Date(latest.recordedAt).toISOString() : undefined;
    const end = head === 0 ? 'is empty' : `ends at position ${head}`;
    log.info(
      { owner, position: head, recorded },
      `the history of the ${owner} ${end}${recorded ? `, recorded at ${recorded}` : ''}`,
    );
    this.previous = latest && identityOf(latest);
    this.publish(head, this.previous, []);
    return head;
  }

  /** What was handed over and follows this position; undefined when nothing does, and it is to be read. */
  private takeHanded(last: number): RecordedEvent[] | undefined {
    const taken: RecordedEvent[] = [];
    let end = last;
    while (taken.length < BATCH) {
      const [next] = this.handed;
      const first = next?.[0]?.position;
      if (!next || first === undefined || first > end + 1) break;
      this.handed.shift();
      for (const event of next) {
        if (event.position <= end) continue;
        taken.push(event);
        end = event.position;
      }
    }
    if (taken.length > 0) return taken;
    // What follows a gap comes with what fills it.
    this.handed = [];
    return undefined;
  }

  /**
   * Sends events in as few messages as fit; what does not fit into one is announced, and read by replay.
   * @param previous identity of the event at position `after`.
   */
  private publish(after: number, previous: string | undefined, events: readonly RecordedEvent[]): void {
    const { bus, owner } = this.options;
    const subject = eventsSubject(owner);
    const start = previous === undefined ? { after } : { after, previous };
    if (bus.publish(subject, { ...start, ...this.contentOf(events) } satisfies EventBatch)) return;
    const middle = Math.floor(events.length / 2);
    const last = events[Math.max(0, middle - 1)] as RecordedEvent;
    if (events.length === 1) {
      bus.publish(subject, {
        after: last.position,
        previous: identityOf(last),
        events: [],
      } satisfies EventBatch);
      return;
    }
    this.publish(after, previous, events.slice(0, middle));
    this.publish(last.position, identityOf(last), events.slice(middle));
  }

  private contentOf(events: readonly RecordedEvent[]): Pick<EventBatch, 'events' | 'end' | 'streams'> {
    const last = events.at(-1);
    if (!last) return { events: [] };
    const privateTypes = PRIVATE_EVENTS[this.options.owner];
    const published: PublishedEvent[] = [];
    const streams = new Set<string>();
    let recordedUntil = 0;
    for (const event of events) {
      recordedUntil = Math.max(recordedUntil, event.recordedAt);
      if (privateTypes.includes(event.type)) streams.add(event.stream);
      else published.push(toPublished(event));
    }
    return {
      events: published,
      end: { position: last.position, identity: identityOf(last), recorded_until: recordedUntil },
      ...(streams.size > 0 ? { streams: [...streams] } : {}),
    };
  }
}
