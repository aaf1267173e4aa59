import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from '@rigel/contracts';
import type { Page, PageCache } from './page-cache.js';

/** The pause before a service that did not answer is asked again. */
const RETRY_MS = 1_000;

export interface FeedOptions {
  /** Unique among the feeds of a cache. */
  key: string;
  /** Reads the events after a place, from the service in charge. */
  read: (place: string) => Promise<Page>;
  cache: PageCache;
}

/**
 * The events of one thing (a task, a node run), shared by all clients that watch it here: what follows a place is read
 * once for all of them. A slow client does not slow down another: each reads on from its own place.
 */
export class Feed {
  private readonly reading = new Map<string, { wakes: number; page: Promise<Page> }>();
  private readonly sleepers = new Set<() => void>();
  private wakes = 0;

  constructor(private readonly options: FeedOptions) {}

  /** There may be more to read. */
  wake(): void {
    this.wakes++;
    for (const wakeUp of this.sleepers) wakeUp();
    this.sleepers.clear();
  }

  /** How often it was woken, for `woken`. */
  get count(): number {
    return this.wakes;
  }

  /** The events after a place. @throws ServiceError */
  read(place: string): Promise<Page> {
    const { key, cache } = this.options;
    const known = cache.get(`${key}/${place}`);
    if (known) return Promise.resolve(known);
    const underWay = this.reading.get(place);
    // A read that began before the last hint may not see the event that the hint announced.
    if (underWay?.wakes === this.wakes) return underWay.page;
    const page = this.options
      .read(place)
      .then((page) => {
        if (page.text !== '') cache.add(`${key}/${place}`, page);
        return page;
      })
      .finally(() => {
        if (this.reading.get(place)?.page === page) this.reading.delete(place);
      });
    this.reading.set(place, { wakes: this.wakes, page });
    return page;
  }

  /**
   * Encoded events after a place, as they come, to the end or until the signal. Waits for a service that does not
   * answer.
   */
  async *follow(place: string, signal: AbortSignal): AsyncGenerator<string> {
    while (!signal.aborted) {
      const { wakes } = this;
      const page = await this.readPatiently(place, signal);
      if (!page || signal.aborted) return;
      if (page.text !== '') yield page.text;
      if (page.next !== place) {
        place = page.next;
        continue;
      }
      if (page.end !== undefined) {
        yield page.end;
        return;
      }
      await this.woken(wakes, signal);
    }
  }

  private async readPatiently(place: string, signal: AbortSignal): Promise<Page | undefined> {
    while (!signal.aborted) {
      try {
        return await this.read(place);
      } catch (error) {
        if (!(error instanceof ServiceError && error.code === 'unavailable')) throw error;
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  /** Resolves when the feed was woken more often than this number, or at the signal. */
  woken(wakes: number, signal: AbortSignal): Promise<void> {
    if (this.wakes !== wakes || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wakeUp = (): void => {
        signal.removeEventListener('abort', wakeUp);
        this.sleepers.delete(wakeUp);
        resolve();
      };
      this.sleepers.add(wakeUp);
      signal.addEventListener('abort', wakeUp, { once: true });
    });
  }
}
