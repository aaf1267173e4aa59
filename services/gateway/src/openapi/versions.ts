import { addComponents } from './components.js';
import { refusalName } from './refusals.js';

/*
 * Requests that name the version that they were made from (`if_version`), in the description of the API.
 */

/** The mark of such an operation, until the description is complete. */
export const NAMES_VERSION = 'x-if-version';

const VERSION_CHANGED = {
  description:
    'The thing has another version than if_version. The message says who changed it, and when. Nothing was done.',
  content: {
    'application/json': {
      schema: { $ref: `#/components/schemas/${refusalName(409, {})}` },
      example: {
        code: 409,
        msg: 'if_version is 3, but pool 7 has version 4 now: bob changed it at 2026-01-05T08:00:00.000Z; read it again',
        data: {},
      },
    },
  },
};

interface VersionedDescription {
  components?: Record<string, unknown>;
  paths?: Record<string, Record<string, { responses?: Record<string, unknown>; [mark: string]: unknown }>>;
}

/** Adds the refusal to the operations that have the mark, and removes the mark. */
export function withVersions<T extends VersionedDescription>(description: T): T {
  addComponents(description, 'responses', { VersionChanged: VERSION_CHANGED });
  for (const methods of Object.values(description.paths ?? {})) {
    for (const operation of Object.values(methods)) {
      if (operation[NAMES_VERSION] !== true) continue;
      delete operation[NAMES_VERSION];
      operation.responses = {
        ...operation.responses,
        409: { $ref: '#/components/responses/VersionChanged' },
      };
    }
  }
  return description;
}
