import compress from '@fastify/compress';
import fp from 'fastify-plugin';

/** A smaller answer fits into a packet or two: compressing it would gain nothing. */
const WORTHWHILE_BYTES = 1024;

/**
 * Plugin: compresses answers of the API for clients that accept it (`Accept-Encoding`). It leaves live streams alone, because each
 * of their events goes out at once.
 */
export const compression = fp(
  async (app) => {
    await app.register(compress, {
      threshold: WORTHWHILE_BYTES,
      encodings: ['gzip'],
      customTypes: /^application\/json\b/,
      globalDecompression: false,
    });
  },
  { name: 'compression' },
);
