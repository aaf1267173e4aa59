import type { FastifyReply } from 'fastify';
import { failureEnvelope } from '../answer/envelope.js';
import type { Endpoint } from '../endpoint.js';
import { endpoints } from '../routes/index.js';

/* The methods of addresses, and the answers to a wrong method or address. */

export function allowedMethods(endpoint: Endpoint): string[] {
  const head = endpoint.access === 'read' && endpoint.methods.includes('GET') ? ['HEAD'] : [];
  return [...endpoint.methods, ...head];
}

const addresses = endpoints.flatMap((endpoint) =>
  endpoint.paths.map((path) => ({
    pattern: new RegExp(`^${path.replaceAll(/:[^/]+/g, '[^/]+')}$`),
    allowed: allowedMethods(endpoint),
  })),
);

/** The methods that an address of the API takes, if it is one: for methods that Fastify does not route at all. */
export function methodsAt(path: string): string[] | undefined {
  return addresses.find(({ pattern }) => pattern.test(path))?.allowed;
}

export function methodNotAllowed(reply: FastifyReply, allowed: readonly string[]): FastifyReply {
  const methods = allowed.join(', ');
  return reply
    .code(405)
    .header('Allow', methods)
    .send(failureEnvelope(405, `method not allowed, allowed here: ${methods}`, {}));
}

export function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).send(failureEnvelope(404, 'not found', {}));
}
