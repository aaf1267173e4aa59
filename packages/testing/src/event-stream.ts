import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** A server-sent event as a client sees it. */
export interface ReceivedEvent {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

/**
 * Reads server-sent events from an address until the server ends the stream, or the signal is aborted. It uses a new
 * connection, so no pool keeps one open.
 * @param options.ca certificate (PEM) of the authority to trust, for https.
 * @throws Error when the answer is not a stream, or the connection breaks.
 */
export async function* readEventStream(
  url: string,
  {
    lastEventId,
    signal,
    ca,
  }: { lastEventId?: string | undefined; signal?: AbortSignal; ca?: string | undefined } = {},
): AsyncGenerator<ReceivedEvent> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  const sent = request(url, {
    agent: false,
    ...(ca === undefined ? {} : { ca }),
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    ...(signal ? { signal } : {}),
  });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  let waiting = '';
  if (!response.headers['content-type']?.startsWith('text/event-stream')) {
    for await (const text of response) waiting += text;
    throw new Error(`${url} answers ${response.statusCode}: ${waiting}`);
  }
  for await (const text of response) {
    const blocks = (waiting + text).split('\n\n');
    waiting = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parse(block);
      if (event) yield event;
    }
  }
}

function parse(block: string): ReceivedEvent | undefined {
  const field = (name: string): string | undefined =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  const data = field('data');
  if (data === undefined) return undefined;
  return { id: field('id') ?? '', event: field('event') ?? '', data: JSON.parse(data) };
}
