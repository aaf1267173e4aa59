import type { LiveStream } from '../live/live-stream.js';
import type { RefusalReason } from './reason.js';

/** The page of a list that an answer holds, and how many rows match over all pages. */
export interface Paging {
  page: number;
  page_size: number;
  query_count: number;
}

/** The answer of a handler: data and other members of the envelope, and headers; or a live stream instead. */
export interface Answer {
  data: unknown;
  paging?: Paging;
  /** Sentences for the client that say what was done differently than asked, and why. */
  notes?: string[] | undefined;
  headers?: Record<string, string>;
  stream?: LiveStream;
  /** A file instead of the envelope; its bytes are read as the client takes them. */
  file?: { name: string; chunks: AsyncIterable<Buffer> };
}

/** The form of every answer of the API. */
export interface Envelope extends Partial<Paging> {
  /** 0, or the HTTP status of the failure. */
  code: number;
  msg: string;
  data: unknown;
  notes?: string[];
  /** Why a request was refused, for programs. */
  reason?: RefusalReason;
}

export function done(data: unknown, notes?: string[]): Answer {
  return { data, notes };
}

/** One page of a list, in the form of the API. */
export function listed(
  page: { page: number; page_size: number },
  list: { rows: readonly unknown[]; total: number },
): Answer {
  return { data: list.rows, paging: { ...page, query_count: list.total } };
}

export function successEnvelope(answer: Answer): Envelope {
  const { data, paging, notes } = answer;
  return { code: 0, msg: 'success', data, ...paging, ...(notes ? { notes: notes.map(cleanMessage) } : {}) };
}

export function failureEnvelope(code: number, msg: string, data: unknown, reason: RefusalReason): Envelope {
  return { code, msg: cleanMessage(msg), data, reason };
}

/** Clients paste messages into JSON text unchanged, so no character in them may need escaping there. */
function cleanMessage(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what must not pass
  return text.replace(/["\\]/g, "'").replace(/[\u0000-\u001f\u007f]/g, ' ');
}
