import { addComponents } from './components.js';
import { refusalName } from './refusals.js';

/*
 * How large a request may be, in the description of the API.
 */

/** The keyword for the most bytes of an operation's body. */
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
};

interface LimitedDescription {
  components?: Record<string, unknown>;
  paths?: Record<string, Record<string, { requestBody?: unknown; responses?: Record<string, unknown> }>>;
}

/** Adds the answer to a body that is too large, to the operations that have a body. */
export function withLimits<T extends LimitedDescription>(description: T): T {
  addComponents(description, 'responses', RESPONSES);
  for (const methods of Object.values(description.paths ?? {})) {
    for (const operation of Object.values(methods)) {
      if (!operation.requestBody) continue;
      operation.responses = {
        ...operation.responses,
        413: { $ref: '#/components/responses/TooLarge' },
      };
    }
  }
  return description;
}
