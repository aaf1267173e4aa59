import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from '@rigel/contracts';
import { WrongParameter } from '../../failures.js';
import type { Feed } from '../feed.js';
import type { ChangeSource, TopicPage } from './topic.js';

/** One message of a topic of changes. */
export interface Change {
  event: string;
  /** Members of the data as JSON without braces. */
  text: string;
  /** The place after it. */
  place: string;
}

/** A second of the rate may come at once. */
const BURST_MS = 1_000;

/**
 * Reads the changes of a topic for one stream, from its own place. The next page is read when the last message was
 * taken, so a slow client holds one page.
 */
export async function* readChanges(
  source: ChangeSource,
  feed: Feed,
  start: { place: string | undefined },
  signal: AbortSignal,
): AsyncGenerator<Change> {
  let place = start.place === undefined ? source.beginning : source.placeOf(start.place);
  if (place === undefined) {
    place = source.beginning;
    yield { event: 'reset', text: '', place };
  }
  const rate = source.bytesPerSecond;
  let room = rate ?? Number.POSITIVE_INFINITY;
  let filledAt = Date.now();
  let leftOut = 0;
  while (!signal.aborted) {
    const { count } = feed;
    const begun = Date.now();
    let page: TopicPage;
    try {
      page = await feed.read(place);
    } catch (error) {
      if (error instanceof WrongParameter) {
        if (place === source.beginning) throw error;
        place = source.beginning;
        yield { event: 'reset', text: '', place };
        continue;
      }
      if (!(error instanceof ServiceError) || error.code !== 'unavailable') throw error;
      await pause(1_000, signal);
      continue;
    }
    if (signal.aborted) return;
    const moved = page.next !== place;
    place = page.next;
    if (page.text !== '') {
      if (rate !== undefined) {
        const now = Date.now();
        room = Math.min((rate * BURST_MS) / 1_000, room + ((now - filledAt) * rate) / 1_000);
        filledAt = now;
      }
      const bytes = source.bytesOf(page);
      // What does not fit is left out as a whole page: the client reads it from the API if it wants it.
      if (room <= 0) leftOut += bytes;
      else {
        if (leftOut > 0) yield { event: 'gap', text: `"bytes":${leftOut}`, place };
        leftOut = 0;
        room -= bytes;
        yield { event: source.event, text: page.text, place };
      }
    } else if (!moved && leftOut > 0 && room <= 0) {
      // Nothing follows now: the gap is told without waiting for the next output.
      yield { event: 'gap', text: `"bytes":${leftOut}`, place };
      leftOut = 0;
      room = 1;
    }
    if (!moved && page.end !== undefined) {
      yield { event: 'end', text: page.end, place };
      return;
    }
    if (!moved) await feed.woken(count, signal);
    const rest = begun + source.leastMs - Date.now();
    if (rest > 0 && source.leastMs > 0) await pause(rest, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
