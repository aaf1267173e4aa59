import type { IncomingHttpHeaders } from 'node:http';
import { show } from '@rigel/contracts';
import { RequestTooLarge } from '../failures.js';
import { type BodyLimits, MOST_LEVELS } from './body-limits.js';
import { takeCensus } from './json-census.js';
import { whereJsonBreaks } from './json-position.js';
import { readPairs } from './pairs.js';
import { NOTHING, type Source } from './source.js';
import { MOST_SPELLED, parseKeepingSpelling, TooManySpelled } from './spelled-number.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a body by what it contains, whatever its Content-Type says: clients label form data as JSON. Empty means no
 * parameters, `{` begins a JSON object, anything else are `name=value` pairs.
 * @param encoding how the body is encoded, see `encodingOf`.
 * @param entries how many members and elements, or pairs, it may have.
 * @throws RequestTooLarge when it has more, or is nested too deep.
 */
export function readBody(
  bytes: Uint8Array | undefined,
  encoding = '',
  { entries }: Pick<BodyLimits, 'entries'> = { entries: Number.POSITIVE_INFINITY },
): Source {
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
  if (first === '{') return readJsonObject(bytes, text, entries);
  if (first === '[' || first === '"') return { unreadable: 'the body is not a JSON object' };
  if (!text.includes('=')) {
    return { unreadable: 'the body is neither a JSON object nor pairs of names and values' };
  }
  return readPairs(text.trim(), entries);
}

/** What a body is encoded with, by its headers, other than not at all or in chunks; empty when it is with nothing. */
export function encodingOf(headers: IncomingHttpHeaders): string {
  const { 'content-encoding': content, 'transfer-encoding': transfer } = headers;
  if (content === undefined && transfer === undefined) return '';
  return [content, transfer]
    .join(',')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => !['', 'identity', 'chunked'].includes(name))
    .join(', ');
}

function readJsonObject(bytes: Uint8Array, text: string, mostEntries: number): Source {
  const census = takeCensus(bytes, mostEntries);
  if (census === 'levels')
    throw new RequestTooLarge(`the body is nested more than ${MOST_LEVELS} levels deep`);
  if (census === 'entries') {
    throw new RequestTooLarge(
      `the body has more than ${mostEntries} members and elements: leave out what is not read here, or send it in several requests`,
    );
  }
  try {
    return {
      values: (census === 'plain' ? JSON.parse(text) : parseKeepingSpelling(text)) as Record<string, unknown>,
    };
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
