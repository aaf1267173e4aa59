import type { Source } from './source.js';

/**
 * Reads `name=value&name2=value2` with percent-encoding and `+` for a blank; all values are strings. Of a name that comes
 * twice the last value counts, as in JSON.
 */
export function readPairs(text: string): Source {
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

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
