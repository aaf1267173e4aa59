import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError } from 'fastify';
import { failureEnvelope } from './envelope.js';

/** Answers what is not even HTTP, or came too slowly, in the form of the API, and closes the connection. */
export function answerTransportError(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, message] = whatIsWrong(error.code);
  const body = JSON.stringify(failureEnvelope(status, message, {}));
  if (socket.writable) {
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  } else socket.destroy();
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
