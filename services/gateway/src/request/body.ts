import { readPairs } from './pairs.js';
import { NOTHING, type Source } from './source.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a body by what it contains, whatever its Content-Type says: clients label form data as JSON. Empty means no
 * parameters, `{` begins a JSON object, anything else are `name=value` pairs.
 */
export function readBody(bytes: Uint8Array | undefined): Source {
  if (bytes === undefined || bytes.byteLength === 0) return NOTHING;
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

function readJsonObject(text: string): Source {
  try {
    return { values: JSON.parse(text) as Record<string, unknown> };
  } catch (error) {
    return { unreadable: `the body is not valid JSON${positionIn(error)}` };
  }
}

/** The engine's message would repeat parts of the body; only the position is of use. */
function positionIn(error: unknown): string {
  const position = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  if (position !== undefined) return ` (at character ${Number(position) + 1})`;
  return error instanceof Error && /end of JSON input/.test(error.message) ? ' (it ends too early)' : '';
}
