import type { FastifyReply } from 'fastify';
import { failureEnvelope } from '../answer/envelope.js';
import { reason } from '../answer/reason.js';
import type { Endpoint } from '../endpoint.js';
import { endpoints } from '../routes/index.js';

/* The methods of addresses, and the answers to a wrong method or address. */

function methodsOf(endpoint: Endpoint): string[] {
  const head = endpoint.access === 'read' && endpoint.methods.includes('GET') ? ['HEAD'] : [];
  return [...endpoint.methods, ...head];
}

/** The methods of each address, by its pattern. Endpoints may share an address, each with other methods. */
export const allowedMethods: ReadonlyMap<string, readonly string[]> = endpoints.reduce(
  (methods, endpoint) => {
    for (const path of endpoint.paths)
      methods.set(path, [...(methods.get(path) ?? []), ...methodsOf(endpoint)]);
    return methods;
  },
  new Map<string, string[]>(),
);

const addresses = [...allowedMethods].map(([path, allowed]) => ({
  pattern: new RegExp(`^${path.replaceAll(/:[^/]+/g, '[^/]+')}$`),
  allowed,
}));

/** The methods that an address of the API takes, if it is one: for methods that Fastify does not route at all. */
export function methodsAt(path: string): readonly string[] | undefined {
  return addresses.find(({ pattern }) => pattern.test(path))?.allowed;
}

export function methodNotAllowed(reply: FastifyReply, allowed: readonly string[]): FastifyReply {
  const methods = allowed.join(', ');
  return reply
    .code(405)
    .header('Allow', methods)
    .send(
      failureEnvelope(
        405,
        `method not allowed, allowed here: ${methods}`,
        {},
        reason('wrong_method', { data: { allowed: methods } }),
      ),
    );
}

export function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).send(failureEnvelope(404, 'not found', {}, reason('no_such_path')));
}
