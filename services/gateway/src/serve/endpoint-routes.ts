import fp from 'fastify-plugin';
import type { Endpoint } from '../endpoint.js';
import { operationOf } from '../openapi/openapi.js';
import { endpoints } from '../routes/index.js';
import { createHandler, type DispatchOptions } from './dispatch.js';
import { allowedMethods, methodNotAllowed } from './methods.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    endpoint?: Endpoint;
  }
}

/** Plugin: the routes of every endpoint of the API. */
export const endpointRoutes = fp<DispatchOptions>(
  (app, options, loaded) => {
    for (const endpoint of endpoints) {
      const handler = createHandler(endpoint, options);
      for (const url of endpoint.paths) {
        for (const method of endpoint.methods) {
          app.route({
            method,
            url,
            handler,
            config: { endpoint },
            // HEAD runs the handler of GET: only where that changes nothing.
            exposeHeadRoute: endpoint.access === 'read',
            schema: operationOf(endpoint, method, url),
          });
        }
      }
    }
    for (const [url, methods] of allowedMethods) {
      // Without these routes `GET /cluster/create` would be read as the cluster with the id `create`.
      app.route({
        method: app.supportedMethods.filter((method) => !methods.includes(method)),
        url,
        exposeHeadRoute: false,
        schema: { hide: true },
        handler: async (_request, reply) => methodNotAllowed(reply, methods),
      });
    }
    loaded();
  },
  { name: 'endpoints', dependencies: ['principal', 'audit', 'bodies', 'origin-check', 'metrics', 'openapi'] },
);
