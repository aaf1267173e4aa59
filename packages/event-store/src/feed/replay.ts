import type { PublishedEvent } from '@rigel/contracts';
import type { History } from '../log/event-store.js';
import { toPublished } from './published.js';

/** Events that are read at once. */
const PAGE = 100;
/** An answer ends with the page in which it has become as large as this; whoever asks goes on behind it. */
const ENOUGH_BYTES = 8 * 1_048_576;

/**
 * Events after a position, for whoever follows the history: as many as are asked for, or fewer where they are large, but never fewer
 * than two that there are. (The first may be one that is known already, which is asked for to see that it is still the one.)
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
