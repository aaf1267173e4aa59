import type { Role } from '@rigel/contracts';
import type { Client } from '../request/client.js';
/** A stream of server-sent events for a client. The code that opens it must cancel it in every case. */
export interface LiveStream {
  /** The client has received the end already, and no event has come since. */
  finished: boolean;
  /** The encoded events after the place that the client asked for, to the end or until the stream is cancelled. */
  texts: AsyncIterable<string>;
  /** Aborted when the stream is cancelled, also because the gateway ends. */
  signal: AbortSignal;
  /** Ends the stream and frees its place. May be called more than once. */
  cancel(): void;
}

/** One event in the form of `text/event-stream`. @param id what a client sends to go on after it. */
export function encodeEvent(id: string, event: string, data: unknown): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The pause before a client that was cut off connects again. */
export const PREAMBLE = 'retry: 1000\n\n';
/** A comment: keeps proxies from closing a quiet connection, and shows a client that is gone. */
export const KEEP_ALIVE = ': keep-alive\n\n';

/** After the last event of a stream comes one with this name, and the stream ends. */
export const END_EVENT = 'end';
const END_SUFFIX = '-end';

/** The id of the event that ends a stream at a place. */
export const endId = (place: string): string => `${place}${END_SUFFIX}`;

/** An event id as a client gives it back: the place, and whether it was that of the end. */
export function splitEventId(id: string): { place: string; atEnd: boolean } {
  const atEnd = id.endsWith(END_SUFFIX);
  return { place: atEnd ? id.slice(0, -END_SUFFIX.length) : id, atEnd };
}

/** Opens live streams: `LiveStreams`, as the endpoints see it. */
export interface LiveStreamOpener {
  taskEvents(id: number, lastEventId: string | undefined, client: Client): Promise<LiveStream>;
  runOutput(nsid: number, lastEventId: string | undefined, client: Client): Promise<LiveStream>;
  topics(
    wanted: string,
    options: { lastEventId: string | undefined; client: Client; role: Role },
  ): LiveStream;
}
