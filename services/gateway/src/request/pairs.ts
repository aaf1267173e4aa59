import { RequestTooLarge } from '../failures.js';
import type { Source } from './source.js';

/**
 * Reads `name=value&name2=value2` with percent-encoding and `+` for a blank; all values are strings. If a name comes
 * twice, the last value counts, as in JSON.
 * @param most the largest number of pairs.
 * @throws RequestTooLarge when there are more.
 */
export function readPairs(text: string, most = Number.POSITIVE_INFINITY): Source {
  if (text.length > most && separators(text) >= most) {
    throw new RequestTooLarge(
      `there are more than ${most} pairs of names and values: leave out what is not read here, or send it in several requests`,
    );
  }
  const values = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    try {
      const name = decode(at < 0 ? pair : pair.slice(0, at));
      values.set(name, at < 0 ? '' : decode(pair.slice(at + 1)));
    } catch {
      return { unreadable: 'a percent-encoded value is broken or not UTF-8' };
    }
  }
  return { values: Object.fromEntries(values) };
}

function separators(text: string): number {
  let count = 0;
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) count++;
  return count;
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
