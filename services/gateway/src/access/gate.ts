import { type CredentialFault, covers, ServiceError, type SessionFault } from '@rigel/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { failureEnvelope } from '../answer/envelope.js';
import { reason } from '../answer/reason.js';
import { roleFor } from '../endpoint.js';
import type { Authenticator } from './authenticator.js';
import { createLimits } from './limits.js';
import { type CredentialCheck, type Credentials, credentialsIn, type Principal } from './principal.js';
import { CONSOLE_HEADER, type SessionCookie } from './session-cookie.js';
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
    /** Seconds to wait after one more failure, because too many requests from its address have failed; 0 = none. */
    failureWait: number;
  }
}

/** The same message for all faults of credentials, so that a client cannot find out which tokens exist. */
const NEEDS_TOKEN = 'a valid token is needed (Authorization: Bearer ...)';

const FAULTS: Record<CredentialFault | SessionFault, (kind: string, name: string) => string> = {
  unknown: (kind) => `there is no such ${kind}`,
  wrong: (kind, name) => `the secret of ${kind} ${name} is wrong`,
  revoked: (kind, name) => `${kind} ${name} is revoked`,
  expired: (kind, name) => `${kind} ${name} is expired`,
  ended: (kind, name) => `${kind} ${name} has ended`,
  idle: (kind, name) => `${kind} ${name} was not used for too long`,
  token: (kind, name) => `the token of ${kind} ${name} is revoked or expired`,
};

/** Methods by which a request with a cookie may change something: no link and no picture sends them. */
const CHANGING = ['POST', 'DELETE'];

interface AccessOptions {
  /** Absent = access is off: every request passes. */
  authenticator: Authenticator | undefined;
  cookie: SessionCookie;
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
    app.decorateRequest('failureWait', 0);
    done();
  },
  { name: 'principal' },
);

/**
 * Plugin: where access is on, only requests pass whose token has the role that their endpoint needs. That is checked
 * before any other part of the request is read.
 */
export const accessGate = fp<AccessOptions>(
  async (app, { authenticator, cookie, requests, failures }) => {
    if (authenticator === undefined) return;
    app.addHook('onClose', async () => authenticator.close());
    const limits = await createLimits(app, { requests, failures });
    const strangers = new Strangers();
    app.addHook('onRequest', async (request, reply) => {
      const { open, endpoint } = request.routeOptions.config;
      if (open) return;
      if (endpoint?.anyone) {
        // Its handler looks at what it brings. A person with a good token gets in, whoever else fails behind their address.
        request.failureWait = (await limits.failuresExceeded(request)) ?? 0;
        if (request.failureWait === 0 || (await strangers.enter(reply.raw))) return;
        return tooMany(reply, request.failureWait);
      }
      let credentials = credentialsIn(request.headers.authorization);
      try {
        credentials ??= await cookie.sessionOf(request);
      } catch (error) {
        return unchecked(error, request, reply);
      }
      // A valid token works even if other clients behind the same address have failed too often: only a further failure
      // is refused.
      const seconds =
        credentials && authenticator.knows(credentials) ? undefined : await limits.failuresExceeded(request);
      if (seconds !== undefined && !credentials) return tooMany(reply, seconds);
      let check: CredentialCheck | undefined;
      try {
        const lookUp = async () => credentials && (await authenticator.check(credentials, request.id));
        check = await (seconds === undefined ? lookUp() : strangers.inTurn(lookUp));
      } catch (error) {
        return unchecked(error, request, reply);
      }
      if (!check?.valid) {
        if (seconds !== undefined) return tooMany(reply, seconds);
        if (!isOver(check)) await limits.countFailure(request);
        request.denial = whatIsWrong(credentials, check);
        return unauthorized(reply);
      }
      request.principal = check.principal;
      const wait = await limits.countRequest(request);
      if (wait !== undefined) return tooMany(reply, wait);
      const { name, role, mayRun } = check.principal;
      if (endpoint && !covers(role, roleFor(endpoint)) && !(endpoint.orMayRun && mayRun)) {
        const or = endpoint.orMayRun ? ', or a token that may run commands' : '';
        const why = `this needs the role ${roleFor(endpoint)}${or}, token ${name} has ${role}`;
        return reply
          .code(403)
          .send(failureEnvelope(403, why, {}, reason('role', { data: { needed: roleFor(endpoint), role } })));
      }
      const forged = credentials?.kind === 'session' && endpoint?.access === 'write' && whyForged(request);
      if (forged) return reply.code(403).send(failureEnvelope(403, forged, {}, reason('cross_site')));
    });
    app.addHook('onResponse', async (request, reply) => {
      // A failed attempt to sign in is a failed request like one with a wrong token.
      if (request.routeOptions.config.endpoint?.anyone && reply.statusCode === 401)
        await limits.countFailure(request);
    });
  },
  { name: 'access', dependencies: ['security-headers', 'principal'] },
);

/**
 * Why a request that changes something by a browser's cookie may come from another place than the console; undefined: it
 * does not. The browser sends the cookie on its own, so the cookie alone says nothing about what the person wanted.
 */
function whyForged({ method, headers }: FastifyRequest): string | undefined {
  if (!CHANGING.includes(method))
    return `a session changes something only by ${CHANGING.join(' or ')} (got ${method}): use a token for other methods`;
  if (headers[CONSOLE_HEADER] !== '1')
    return 'a session changes something only for the console, which sends the header X-Rigel-Console: 1';
  return undefined;
}

/**
 * Whether it was a session with the right secret, which has ended. That is no guess: the pages of a person whose session ends
 * go on asking for a while, and must not keep them from signing in again.
 */
function isOver(check: CredentialCheck | undefined): boolean {
  return check?.valid === false && ['ended', 'idle', 'token'].includes(check.fault);
}

function whatIsWrong(credentials: Credentials | undefined, check: CredentialCheck | undefined): string {
  if (!credentials || !check || check.valid) return 'no token was sent';
  return `${faultText(credentials.kind, check)} (id ${credentials.id})`;
}

/** What is wrong with a token, a session or a code: for the audit. */
export function faultText(
  kind: string,
  { fault, name }: { fault: CredentialFault | SessionFault; name: string },
): string {
  return FAULTS[fault](kind, name);
}

function unchecked(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (!(error instanceof ServiceError)) throw error;
  request.log.warn(
    { reason: error.message },
    'the gateway cannot check a token: the access service does not answer',
  );
  return cannotCheck(reply);
}

/** The answer to a request without valid credentials. */
export function unauthorized(reply: FastifyReply): FastifyReply {
  return reply
    .code(401)
    .header('WWW-Authenticate', 'Bearer')
    .send(failureEnvelope(401, NEEDS_TOKEN, {}, reason('token')));
}

/** The answer to a request whose token cannot be checked now. */
export function cannotCheck(reply: FastifyReply): FastifyReply {
  return reply
    .code(503)
    .header('Retry-After', 1)
    .send(
      failureEnvelope(
        503,
        'the token cannot be checked now: the access service does not answer',
        {},
        reason('unavailable'),
      ),
    );
}

/** The answer to a client that has asked, or failed, too often in a minute. */
export function tooMany(reply: FastifyReply, seconds: number): FastifyReply {
  const wait = Math.max(1, seconds);
  return reply
    .code(429)
    .header('Retry-After', wait)
    .send(
      failureEnvelope(
        429,
        'too many requests, try again later',
        {},
        reason('rate_limited', { data: { seconds: wait } }),
      ),
    );
}

/** Whether a request has a valid token, so that its operator is certain. */
export const isAuthenticated = (request: FastifyRequest): boolean => request.principal !== null;
