import fp from 'fastify-plugin';
import helmet from 'helmet';

/** An answer is for its client and for this moment: no cache on the way keeps it, and no browser guesses its type. */
export const NOT_KEPT = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const;

/**
 * Plugin: the headers that tell a browser how to treat an answer. Answers of the API are data: a browser may not run
 * them, show them in a frame or guess another type. The page of the documentation has its own policy, see
 * openapi/openapi.ts.
 *
 * It uses helmet without helmet's plugin for Fastify, which would read these options again for each request.
 */
export const securityHeaders = fp(
  (app, _options, done) => {
    const setHeaders = helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      },
      // Only the operator of the proxy that ends TLS can promise that everything under this name comes by HTTPS.
      strictTransportSecurity: false,
      // The gateway's own page shows the gateway, and no other server, that a request comes from it.
      referrerPolicy: { policy: 'same-origin' },
    });
    app.addHook('onRequest', (request, reply, done) => {
      // Answers that a cache may keep, like the files of the documentation, replace this header later.
      reply.raw.setHeader('Cache-Control', NOT_KEPT['Cache-Control']);
      setHeaders(request.raw, reply.raw, (error) => done(error as Error | undefined));
    });
    done();
  },
  { name: 'security-headers' },
);

/**
 * The policy of the documentation's page: content from this server, and the styles that the page writes into itself.
 */
export const DOCS_POLICY =
  "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; " +
  "frame-ancestors 'none'; img-src 'self' data:; script-src 'self'; style-src 'self' 'unsafe-inline'";
