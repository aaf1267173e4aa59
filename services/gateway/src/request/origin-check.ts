import fp from 'fastify-plugin';
import { failureEnvelope } from '../answer/envelope.js';
import { reason } from '../answer/reason.js';
import { hostOf } from './host.js';
import { foreignOrigin } from './origin.js';

interface OriginOptions {
  /** Host names that the API is known by; null = any. */
  hostNames: readonly string[] | null;
}

/** Plugin: refuses requests with a wrong Host, and requests that a page of another site makes a browser send. */
export const originCheck = fp<OriginOptions>(
  (app, { hostNames }, loaded) => {
    app.addHook('onRequest', (request, reply, done) => {
      const { rawHeaders, httpVersion } = request.raw;
      const asked = hostOf({ target: request.originalUrl, rawHeaders, httpVersion });
      if ('wrong' in asked) {
        reply.header('Connection', 'close');
        reply.code(400).send(failureEnvelope(400, asked.wrong, {}, reason('wrong_header')));
        return;
      }
      // Only endpoints say or do something: the documentation and the probes are for any page.
      const { endpoint } = request.routeOptions.config;
      const changes = endpoint?.access === 'write';
      const facts = { headers: request.headers, host: asked.host, method: request.method, changes };
      const why = endpoint ? foreignOrigin(facts, hostNames) : undefined;
      if (why === undefined) done();
      else reply.code(403).send(failureEnvelope(403, why, {}, reason('cross_site')));
    });
    loaded();
  },
  { name: 'origin-check', dependencies: ['access'] },
);
