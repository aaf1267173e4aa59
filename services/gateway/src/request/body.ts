import type { IncomingHttpHeaders } from 'node:http';
import { show } from '@rigel/contracts';
import { whereJsonBreaks } from './json-position.js';
import { readPairs } from './pairs.js';
import { NOTHING, type Source } from './source.js';
import { MOST_SPELLED, parseKeepingSpelling, TooManySpelled } from './spelled-number.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a body by what it contains, whatever its Content-Type says: clients label form data as JSON. Empty means no
 * parameters, `{` begins a JSON object, anything else are `name=value` pairs.
 * @param encoding how the body is encoded, see `encodingOf`.
 */
export function readBody(bytes: Uint8Array | undefined, encoding = ''): Source {
  if (bytes === undefined || bytes.byteLength === 0) return NOTHING;
  if (encoding !== '') {
    return { unreadable: `the body has the encoding ${show(encoding)}, which is not supported` };
  }
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { unreadable: 'the body is not UTF-8' };
  }
  const first = text.trimStart()[0];
  if (first === undefined) return NOTHING;
  if (first === '{') return readJsonObject(text);
  if (first === '[' || first === '"') return { unreadable: 'the body is not a JSON object' };
  if (!text.includes('=')) {
    return { unreadable: 'the body is neither a JSON object nor pairs of names and values' };
  }
  return readPairs(text.trim());
}

/** What a body is encoded with, by its headers, other than not at all or in chunks; empty when it is with nothing. */
export function encodingOf(headers: IncomingHttpHeaders): string {
  const all = [headers['content-encoding'], headers['transfer-encoding']].join(',').split(',');
  return all
    .map((name) => name.trim().toLowerCase())
    .filter((name) => !['', 'identity', 'chunked'].includes(name))
    .join(', ');
}

function readJsonObject(text: string): Source {
  try {
    return { values: parseKeepingSpelling(text) as Record<string, unknown> };
  } catch (error) {
    if (error instanceof TooManySpelled) {
      return {
        unreadable: `the body has more than ${MOST_SPELLED} numbers like 1.10 or 1e3, whose spelling would have to be kept: put them in quotes`,
      };
    }
    const at = whereJsonBreaks(text);
    // The engine's message would repeat parts of the body; only the position is of use.
    const where = at < text.length ? `at character ${at + 1}` : `it ends too early, after character ${at}`;
    return { unreadable: `the body is not valid JSON (${where})` };
  }
}
