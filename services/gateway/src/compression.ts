import compress from '@fastify/compress';
import type { FastifyInstance } from 'fastify';

/** Below this many bytes an answer fits into a packet or two, and gains nothing. */
const WORTHWHILE_BYTES = 1024;

/**
 * Compresses answers of the API for clients that accept it (`Accept-Encoding`). Live streams are not compressed: each of their events
 * is sent at once. Bodies of requests are read as they come, see `readBody`.
 */
export async function registerCompression(app: FastifyInstance): Promise<void> {
  await app.register(compress, {
    threshold: WORTHWHILE_BYTES,
    encodings: ['gzip'],
    customTypes: /^application\/json\b/,
    globalDecompression: false,
  });
}
