import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { KEEP_ALIVE, type LiveStream, PREAMBLE } from './live-stream.js';

const KEEP_ALIVE_MS = 15_000;
/** A client that reads nothing for this long is cut off. It can connect again and go on from its place. */
const STALL_MS = 60_000;

/** How long a client has to read what was sent, when the gateway ends its stream. */
const CLOSE_MS = 500;

/**
 * Sends a live stream as the answer to a request, until it ends or the client goes away. The gateway reads no faster
 * than the client: one page waits in memory, in addition to the buffers of the sockets.
 */
export function sendLiveStream(
  stream: LiveStream,
  { request, reply, log }: { request: FastifyRequest; reply: FastifyReply; log: Logger },
): FastifyReply {
  if (stream.finished) {
    // This status tells a browser not to connect again.
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
    // No other request follows on this connection, so a gateway that ends need not wait for it.
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
  // The end of the socket follows its error.
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
    // A client that does not read the rest connects to another gateway and goes on from its place.
    if (stream.signal.aborted) destroyUnlessClosed(response, CLOSE_MS);
  } finally {
    clearInterval(keepAlive);
  }
}

function destroyUnlessClosed(response: ServerResponse, ms: number): void {
  const timer = setTimeout(() => response.destroy(), ms);
  response.once('close', () => clearTimeout(timer));
}

/** Resolves when the client has read what was written, reads nothing for too long, or the stream is cancelled. */
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
