import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { show } from '@rigel/contracts';
import type { ConnectionError } from 'fastify';
import { NOT_KEPT } from '../access/security-headers.js';
import { failureEnvelope } from '../answer/envelope.js';
import { reason } from '../answer/reason.js';

/** How many bytes of a refused body the gateway still reads, and for how long, before it closes the connection. */
const AWAY_BYTES = 64 * 1024 * 1024;
const AWAY_MS = 10_000;

/** Reads the rest of a body and drops it. Resolves at its end, or at one of the limits. */
export async function readAway(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.destroyed) return;
  let bytes = 0;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      request.off('data', count).off('end', done).off('close', done).pause();
      resolve();
    };
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > AWAY_BYTES) done();
    };
    const timer = setTimeout(done, AWAY_MS);
    request.on('data', count).once('end', done).once('close', done).resume();
  });
}

/** Answers, in the form of the API, requests that are not HTTP or come too slowly, and closes the connection. */
export function answerTransportError(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, message] = whatIsWrong(error.code);
  answerAndClose(socket, status, message);
}

/** Answers, in the form of the API, requests that never reach a route and that Node itself would not answer. */
export function answerWhatIsNotRouted(server: Server): void {
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => undefined);
    answerAndClose(socket, 405, 'method not allowed', 'Allow: GET, POST, DELETE\r\n');
  });
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const body = JSON.stringify(
      failureEnvelope(
        417,
        `the header Expect is not understood (got ${show(request.headers.expect)})`,
        {},
        reason('wrong_header', { field: 'Expect' }),
      ),
    );
    // The body that may follow is not read.
    response.writeHead(417, { ...NOT_KEPT, 'Content-Type': JSON_TYPE, Connection: 'close' }).end(body);
  });
}

/** The type of every answer except streams of events. */
export const JSON_TYPE = 'application/json; charset=utf-8';

const NOT_KEPT_LINES = Object.entries(NOT_KEPT)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');

function answerAndClose(socket: Duplex, status: number, message: string, headers = ''): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(
    failureEnvelope(status, message, {}, reason(status === 405 ? 'wrong_method' : 'not_http')),
  );
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${JSON_TYPE}\r\n${headers}${NOT_KEPT_LINES}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function whatIsWrong(code: string): [status: number, message: string] {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'the request did not arrive in time'];
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'the address or the headers are too long'];
    default:
      return [400, 'the request is not valid HTTP'];
  }
}
