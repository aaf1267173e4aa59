import type { PublishedEvent } from '@rigel/contracts';
import type { History } from '../log/event-store.js';
import { toPublished } from './published.js';

/** Events that one statement reads. */
const PAGE = 100;
/** An answer ends when it has reached this size. The consumer asks for the rest with its next request. */
const ENOUGH_BYTES = 8 * 1_048_576;

/**
 * Events after a position, for a consumer: as many as it asks for, or fewer if they are large, but at least two if
 * there are two. (The consumer may know the first already, and ask for it to check that it is still the same.)
 */
export async function replay(history: History, after: number, limit: number): Promise<PublishedEvent[]> {
  const answer: PublishedEvent[] = [];
  let last = after;
  let bytes = 0;
  while (answer.length < limit && bytes < ENOUGH_BYTES) {
    const page = await history.after(last, Math.min(PAGE, limit - answer.length));
    for (const event of page) {
      if (answer.length >= 2 && bytes >= ENOUGH_BYTES) return answer;
      answer.push(toPublished(event));
      bytes += JSON.stringify(event.data).length;
      last = event.position;
    }
    if (page.length < PAGE) break;
  }
  return answer;
}
