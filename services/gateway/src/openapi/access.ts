import { addComponents } from './components.js';
import { refusalName } from './refusals.js';

/*
 * Tokens and roles in the description of the API. It is the same whether access is on or off: security is optional in
 * it.
 */

/** The answer to a request without sufficient credentials, in the form of all answers. */
function denial(code: number, description: string, msg: string, headers?: Record<string, object>) {
  return {
    description,
    ...(headers ? { headers } : {}),
    content: {
      'application/json': {
        schema: { $ref: `#/components/schemas/${refusalName(code, {})}` },
        example: { code, msg, data: {} },
      },
    },
  };
}

const RETRY_AFTER = { 'Retry-After': { schema: { type: 'integer' }, description: 'Seconds to wait.' } };

/** The answers that every operation can give where access is on. */
const DENIALS = {
  401: 'Unauthorized',
  403: 'Forbidden',
  429: 'TooManyRequests',
} as const;

/** The credentials of a request. */
export const SECURITY_SCHEMES = {
  token: {
    type: 'http' as const,
    scheme: 'bearer',
    description: 'An API token: rgl_<id>_<secret>. Needed where access is on (RIGEL_ACCESS).',
  },
};

const RESPONSES = {
  Unauthorized: denial(
    401,
    'The token is missing, wrong, revoked or expired: which of these is not said.',
    'a valid token is needed (Authorization: Bearer ...)',
    { 'WWW-Authenticate': { schema: { type: 'string' }, description: 'Bearer' } },
  ),
  Forbidden: denial(
    403,
    'The token’s role does not cover the operation’s (x-role), or a browser sends it for the page of another site.',
    'this needs the role operator, token dashboard has viewer',
  ),
  TooManyRequests: denial(
    429,
    'The token, or requests without a valid one from this address, were used too often within a minute.',
    'too many requests, try again later',
    RETRY_AFTER,
  ),
};

/** The parts of the description that say which role may use an operation. */
interface GuardedDescription {
  components?: Record<string, unknown>;
  paths?: Record<string, Record<string, { responses?: Record<string, unknown> }>>;
}

/** Adds the tokens, and the answers of every operation to requests without sufficient credentials. */
export function withAccess<T extends GuardedDescription>(description: T): T {
  addComponents(description, 'responses', RESPONSES);
  for (const methods of Object.values(description.paths ?? {})) {
    for (const operation of Object.values(methods)) {
      for (const [code, name] of Object.entries(DENIALS)) {
        operation.responses = { ...operation.responses, [code]: { $ref: `#/components/responses/${name}` } };
      }
    }
  }
  return description;
}
