import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { KEEP_ALIVE, type LiveStream, PREAMBLE } from './live-stream.js';

const KEEP_ALIVE_MS = 15_000;
/** A client that takes nothing for this long is cut off; it can go on from where it was. */
const STALL_MS = 60_000;

/** Time for a client to take what was sent when the gateway ends its stream. */
const CLOSE_MS = 500;

/**
 * Sends a live stream as the answer to a request, until it ends or the client goes away. No more is read than the client
 * takes: what waits for it is one page, beside what the sockets hold.
 */
export function sendLiveStream(
  stream: LiveStream,
  { request, reply, log }: { request: FastifyRequest; reply: FastifyReply; log: Logger },
): FastifyReply {
  if (stream.finished) {
    // What tells a browser not to connect again.
    stream.cancel();
    return reply.code(204).send();
  }
  if (request.method === 'HEAD') {
    stream.cancel();
    return reply.type('text/event-stream').send('');
  }
  reply.hijack();
  reply.raw.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
    'X-Correlation-Id': request.id,
    // Nothing follows on this connection, so a gateway that ends need not wait for it.
    Connection: 'close',
  });
  pump(stream, reply.raw)
    .catch((error: unknown) => {
      log.error({ err: error, correlation_id: request.id }, 'a live stream failed');
      reply.raw.destroy();
    })
    .finally(() => stream.cancel());
  return reply;
}

async function pump(stream: LiveStream, response: ServerResponse): Promise<void> {
  // After an error of the socket comes its end, too.
  response.on('error', () => undefined);
  response.once('close', () => stream.cancel());
  // The client may have gone away while the stream was opened.
  if (response.destroyed) return;
  const keepAlive = setInterval(() => {
    if (!response.writableNeedDrain) response.write(KEEP_ALIVE);
  }, KEEP_ALIVE_MS);
  try {
    response.write(PREAMBLE);
    for await (const text of stream.texts) {
      if (!response.write(text)) await drained(response, stream.signal);
    }
    response.end();
    // A client that does not take the rest goes on elsewhere from where it was.
    if (stream.signal.aborted) destroyUnlessClosed(response, CLOSE_MS);
  } finally {
    clearInterval(keepAlive);
  }
}

function destroyUnlessClosed(response: ServerResponse, ms: number): void {
  const timer = setTimeout(() => response.destroy(), ms);
  response.once('close', () => clearTimeout(timer));
}

/** When the client has taken what was written, or takes nothing for too long, or the stream is cancelled. */
async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  const stalled = setTimeout(() => response.destroy(), STALL_MS);
  try {
    await once(response, 'drain', { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(stalled);
  }
}
