import { refusalName } from './openapi-refusals.js';

/*
 * How large a request may be, in the description of the API.
 */

/** The bytes that the body of an operation may have. */
export const MAX_BODY = 'x-max-body';

const envelope = (code: number, msg: string) => ({
  'application/json': {
    schema: { $ref: `#/components/schemas/${refusalName(code, {})}` },
    example: { code, msg, data: {} },
  },
});

const RESPONSES = {
  TooLarge: {
    description:
      'The body has more bytes than the operation takes (x-max-body), more members and elements, or is nested more than 65 levels ' +
      'deep; or the address has more than 1,000 pairs. Nothing was done.',
    content: envelope(
      413,
      'the body has 15142857 bytes, cluster.list takes at most 65536 (64 KiB): leave out what it does not read, or send it in several requests',
    ),
  },
  NoRoom: {
    description:
      'The bodies of this client, or of all, that are under way have more bytes than are kept at once; or nobody can say now ' +
      'whether the token is valid. Nothing was done.',
    headers: { 'Retry-After': { schema: { type: 'integer' }, description: 'Seconds to wait.' } },
    content: envelope(
      503,
      'the bodies that are under way here would have more than 64 MiB together (RIGEL_HTTP_BODIES): try again later',
    ),
  },
};

interface LimitedDescription {
  components?: Record<string, unknown>;
  paths?: Record<string, Record<string, { responses?: Record<string, unknown> }>>;
}

/** Adds what every operation answers to a request that is too large, or that there is no room for. */
export function withLimits<T extends LimitedDescription>(description: T): T {
  const { responses } = description.components ?? {};
  description.components = {
    ...description.components,
    responses: { ...(responses as object), ...RESPONSES },
  };
  for (const methods of Object.values(description.paths ?? {})) {
    for (const operation of Object.values(methods)) {
      operation.responses = {
        // Some have a 503 of their own, which says the same to clients.
        503: { $ref: '#/components/responses/NoRoom' },
        ...operation.responses,
        413: { $ref: '#/components/responses/TooLarge' },
      };
    }
  }
  return description;
}
