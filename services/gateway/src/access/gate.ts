import { type CredentialFault, covers, ServiceError } from '@rigel/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { roleFor } from '../endpoint.js';
import { failureEnvelope } from '../envelope.js';
import type { Authenticator } from './authenticator.js';
import type { Limits } from './limits.js';
import { type Credentials, credentialsIn, type Principal, type Verdict } from './principal.js';
import { Strangers } from './strangers.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers everybody, whoever they are. */
    open?: true;
  }
  interface FastifyRequest {
    /** Who asks; null where access is off, and before it is known. */
    principal: Principal | null;
    /** Why it was not let in: for the audit, not for whoever asks. */
    denial: string;
  }
}

/** The same for all that is wrong with credentials: nobody learns by it which tokens there are. */
const NEEDS_TOKEN = 'a valid token is needed (Authorization: Bearer ...)';

const FAULTS: Record<CredentialFault, (name: string) => string> = {
  unknown: () => 'there is no such token',
  wrong: (name) => `the secret of token ${name} is wrong`,
  revoked: (name) => `token ${name} is revoked`,
  expired: (name) => `token ${name} is expired`,
};

/** Lets requests pass that have a token with the role that their endpoint needs, before anything else of them is read. */
export function registerGate(
  app: FastifyInstance,
  { authenticator, limits }: { authenticator: Authenticator; limits: Limits },
): void {
  const strangers = new Strangers();
  app.addHook('onRequest', async (request, reply) => {
    const { open, endpoint } = request.routeOptions.config;
    if (open) return;
    const credentials = credentialsIn(request.headers.authorization);
    // Nobody is kept out because of somebody else behind the same address: what has failed too often is answered so only when it
    // fails again.
    const seconds =
      credentials && authenticator.knows(credentials) ? undefined : await limits.failuresExceeded(request);
    if (seconds !== undefined && !credentials) return tooMany(reply, seconds);
    let verdict: Verdict | undefined;
    try {
      const lookUp = async () => credentials && (await authenticator.check(credentials, request.id));
      verdict = await (seconds === undefined ? lookUp() : strangers.inTurn(lookUp));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      request.log.warn({ reason: error.message }, 'nobody can say whether a token is valid');
      return nobodyCanSay(reply);
    }
    if (!verdict?.valid) {
      if (seconds !== undefined) return tooMany(reply, seconds);
      await limits.countFailure(request);
      request.denial = whatIsWrong(credentials, verdict);
      return unauthorized(reply);
    }
    request.principal = verdict.principal;
    const wait = await limits.countRequest(request);
    if (wait !== undefined) return tooMany(reply, wait);
    const { name, role } = verdict.principal;
    if (endpoint && !covers(role, roleFor(endpoint))) {
      const why = `this needs the role ${roleFor(endpoint)}, token ${name} has ${role}`;
      return reply.code(403).send(failureEnvelope(403, why, {}));
    }
  });
}

function whatIsWrong(credentials: Credentials | undefined, verdict: Verdict | undefined): string {
  if (!credentials || !verdict || verdict.valid) return 'no token was sent';
  return `${FAULTS[verdict.fault](verdict.name)} (id ${credentials.id})`;
}

/** The answer to a request without valid credentials. */
export function unauthorized(reply: FastifyReply): FastifyReply {
  return reply
    .code(401)
    .header('WWW-Authenticate', 'Bearer')
    .send(failureEnvelope(401, NEEDS_TOKEN, {}));
}

/** The answer to a request whose token nobody can look up now. */
export function nobodyCanSay(reply: FastifyReply): FastifyReply {
  return reply
    .code(503)
    .header('Retry-After', 1)
    .send(failureEnvelope(503, 'nobody can say now whether the token is valid', {}));
}

function tooMany(reply: FastifyReply, seconds: number): FastifyReply {
  return reply
    .code(429)
    .header('Retry-After', Math.max(1, seconds))
    .send(failureEnvelope(429, 'too many requests, try again later', {}));
}

/** The properties that requests carry; to be declared before any request comes. */
export function declarePrincipal(app: FastifyInstance): void {
  app.decorateRequest('principal', null);
  app.decorateRequest('denial', '');
}

/** Whether a request was let in by a token, and its operator is known for certain. */
export const isAuthenticated = (request: FastifyRequest): boolean => request.principal !== null;
