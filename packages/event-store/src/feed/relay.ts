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
/** After a notification the relay waits this long for further ones, so that it does not read once for each commit. */
const LINGER_MS = 100;
/**
 * How often the relay announces the end of the history while nothing happens, so that consumers notice a lost last
 * message.
 */
const IDLE_INTERVAL_MS = 1_000;
/** Events that the relay keeps in memory. If there are more, it drops them and reads them from the table. */
const MAX_HANDED = 10_000;

/**
 * Publishes a service's history on NATS in commit order, and answers replays. Each batch names the position that it
 * follows. The event table is the outbox: a consumer that misses a batch reads it from the table by a replay, so the
 * relay keeps no state. It uses plain publishing: storing the events in NATS too would write everything twice, and
 * promise nothing more.
 *
 * Each replica of a service may run a relay: consumers ignore events that they already have.
 */
export class EventRelay {
  private readonly stopping = new AbortController();
  private wakeUp: () => void = () => undefined;
  private loop: Promise<void> | undefined;
  private stopServing: (() => void) | undefined;
  /** The relay has published all events up to this position. */
  private last: number | undefined;
  /** Identity of the event at that position; undefined: not known. */
  private previous: string | undefined;
  /** Events that this process recorded and the relay has not published yet, by commit. */
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
   * Tells the relay that events were recorded; otherwise it looks once a second.
   * @param recorded the events, in their order, if they are committed for certain. If they follow the last published
   *   event, the relay does not read them from the table; on a gap it reads.
   */
  notify(recorded: readonly RecordedEvent[] = []): void {
    if (recorded.length > 0) this.handed.push(recorded);
    if (this.handed.reduce((count, { length }) => count + length, 0) > MAX_HANDED) this.handed = [];
    this.wakeUp();
  }

  /**
   * How far the relay is behind the history: the number of unpublished events, and the age of the oldest in
   * milliseconds. Both are 0 before the relay has begun.
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
        log.warn({ err: error }, 'the relay cannot read the event table, trying again');
      }
      const idle = new AbortController();
      await Promise.race([woken, clock.sleep(IDLE_INTERVAL_MS, idle.signal).catch(() => undefined)]);
      idle.abort();
      if (!signal.aborted) await clock.sleep(LINGER_MS);
    }
  }

  /**
   * Finds where the history ends, logs it, so that operators see it after a restore, and announces it, see
   * `EventConsumer`.
   * @returns the last position.
   */
  private async begin(): Promise<number> {
    const { owner, history, log } = this.options;
    const head = await history.head();
    // The last event may have a type that only a newer release knows.
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

  /** Events in memory that follow this position; undefined: there are none, so the relay must read the table. */
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
    // The read that fills the gap brings the events after it as well.
    this.handed = [];
    return undefined;
  }

  /**
   * Publishes events in as few messages as possible. An event that does not fit into a message is only announced;
   * consumers read it by a replay.
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
