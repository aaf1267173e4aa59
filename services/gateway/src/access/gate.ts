import { type CredentialFault, covers, ServiceError } from '@rigel/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { failureEnvelope } from '../answer/envelope.js';
import { roleFor } from '../endpoint.js';
import type { Authenticator } from './authenticator.js';
import { createLimits } from './limits.js';
import { type Credentials, credentialsIn, type Principal, type TokenCheck } from './principal.js';
import { Strangers } from './strangers.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers any client, with or without a token. */
    open?: true;
  }
  interface FastifyRequest {
    /** The client with its token; null where access is off, and before the token was checked. */
    principal: Principal | null;
    /** Why the credentials were refused: for the audit, not for the client. */
    denial: string;
  }
}

/** The same message for all faults of credentials, so that a client cannot find out which tokens exist. */
const NEEDS_TOKEN = 'a valid token is needed (Authorization: Bearer ...)';

const FAULTS: Record<CredentialFault, (name: string) => string> = {
  unknown: () => 'there is no such token',
  wrong: (name) => `the secret of token ${name} is wrong`,
  revoked: (name) => `token ${name} is revoked`,
  expired: (name) => `token ${name} is expired`,
};

interface AccessOptions {
  /** Absent = access is off: every request passes. */
  authenticator: Authenticator | undefined;
  /** Requests in a minute of one token; 0 = any number. */
  requests: number;
  /** Requests without valid credentials in a minute from one address. */
  failures: number;
}

/** Plugin: the properties of a request that say who sent it, and why it was refused. */
export const principal = fp(
  (app, _options, done) => {
    app.decorateRequest('principal', null);
    app.decorateRequest('denial', '');
    done();
  },
  { name: 'principal' },
);

/**
 * Plugin: where access is on, only requests pass whose token has the role that their endpoint needs. That is checked
 * before any other part of the request is read.
 */
export const accessGate = fp<AccessOptions>(
  async (app, { authenticator, requests, failures }) => {
    if (authenticator === undefined) return;
    app.addHook('onClose', async () => authenticator.close());
    const limits = await createLimits(app, { requests, failures });
    const strangers = new Strangers();
    app.addHook('onRequest', async (request, reply) => {
      const { open, endpoint } = request.routeOptions.config;
      if (open) return;
      const credentials = credentialsIn(request.headers.authorization);
      // A valid token works even if other clients behind the same address have failed too often: only a further failure
      // is refused.
      const seconds =
        credentials && authenticator.knows(credentials) ? undefined : await limits.failuresExceeded(request);
      if (seconds !== undefined && !credentials) return tooMany(reply, seconds);
      let check: TokenCheck | undefined;
      try {
        const lookUp = async () => credentials && (await authenticator.check(credentials, request.id));
        check = await (seconds === undefined ? lookUp() : strangers.inTurn(lookUp));
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        request.log.warn(
          { reason: error.message },
          'the gateway cannot check a token: the access service does not answer',
        );
        return cannotCheck(reply);
      }
      if (!check?.valid) {
        if (seconds !== undefined) return tooMany(reply, seconds);
        await limits.countFailure(request);
        request.denial = whatIsWrong(credentials, check);
        return unauthorized(reply);
      }
      request.principal = check.principal;
      const wait = await limits.countRequest(request);
      if (wait !== undefined) return tooMany(reply, wait);
      const { name, role } = check.principal;
      if (endpoint && !covers(role, roleFor(endpoint))) {
        const why = `this needs the role ${roleFor(endpoint)}, token ${name} has ${role}`;
        return reply.code(403).send(failureEnvelope(403, why, {}));
      }
    });
  },
  { name: 'access', dependencies: ['security-headers', 'principal'] },
);

function whatIsWrong(credentials: Credentials | undefined, check: TokenCheck | undefined): string {
  if (!credentials || !check || check.valid) return 'no token was sent';
  return `${FAULTS[check.fault](check.name)} (id ${credentials.id})`;
}

/** The answer to a request without valid credentials. */
export function unauthorized(reply: FastifyReply): FastifyReply {
  return reply
    .code(401)
    .header('WWW-Authenticate', 'Bearer')
    .send(failureEnvelope(401, NEEDS_TOKEN, {}));
}

/** The answer to a request whose token cannot be checked now. */
export function cannotCheck(reply: FastifyReply): FastifyReply {
  return reply
    .code(503)
    .header('Retry-After', 1)
    .send(failureEnvelope(503, 'the token cannot be checked now: the access service does not answer', {}));
}

function tooMany(reply: FastifyReply, seconds: number): FastifyReply {
  return reply
    .code(429)
    .header('Retry-After', Math.max(1, seconds))
    .send(failureEnvelope(429, 'too many requests, try again later', {}));
}

/** Whether a request has a valid token, so that its operator is certain. */
export const isAuthenticated = (request: FastifyRequest): boolean => request.principal !== null;
