import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';

/** An answer is about now and for whoever asked: nothing on the way keeps it, and nothing guesses what it is. */
export const NOT_KEPT = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const;

/**
 * What a browser is told to do and not to do with an answer. Answers of the API are data: nothing in them may be run, shown in
 * a frame or guessed to be of another type. The page of the documentation has a policy of its own, see openapi.ts.
 *
 * The library without its plugin for Fastify, which reads these options anew for each request.
 */
export function registerSecurityHeaders(app: FastifyInstance): void {
  const setHeaders = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    // That everything under this name is to come by HTTPS only is for whoever runs what ends TLS there to promise.
    strictTransportSecurity: false,
    // Our own page shows by it to us, and to nobody else, that a request is its own.
    referrerPolicy: { policy: 'same-origin' },
  });
  app.addHook('onRequest', (request, reply, done) => {
    // What may be kept, like the files of the documentation, says so later.
    reply.raw.setHeader('Cache-Control', NOT_KEPT['Cache-Control']);
    setHeaders(request.raw, reply.raw, (error) => done(error as Error | undefined));
  });
}

/** The documentation's page: what comes from this server, and the styles that it writes into itself. */
export const DOCS_POLICY =
  "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; " +
  "frame-ancestors 'none'; img-src 'self' data:; script-src 'self'; style-src 'self' 'unsafe-inline'";
