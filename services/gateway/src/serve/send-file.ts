import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Answer } from '../answer/envelope.js';

/** Sends a file as the client reads it. It is never shown as a page: a browser saves it. */
export function sendFile(
  { name, chunks }: NonNullable<Answer['file']>,
  type = 'application/octet-stream',
  reply: FastifyReply,
): FastifyReply {
  return reply
    .header('Content-Disposition', `attachment; filename="${name}"`)
    .header('Cache-Control', 'no-store')
    .header('X-Content-Type-Options', 'nosniff')
    .type(type)
    .send(Readable.from(chunks));
}
