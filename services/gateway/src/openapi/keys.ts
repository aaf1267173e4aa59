import { MAX_KEY } from '../request/idempotency-key.js';
import { addComponents } from './components.js';
import { refusalName } from './refusals.js';

/*
 * Named requests (`Idempotency-Key`) in the description of the API.
 */

/** The mark of an operation that takes the header. */
export const TAKES_KEY = 'x-idempotency-key';

const PARAMETER = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Names the request: repeated with it within 24 hours, by the same operator and with the same parameters, nothing is made ' +
    'again and the first answer comes again, with the header Idempotent-Replayed. Printable ASCII characters, as they are or ' +
    'in quotation marks.',
  schema: { type: 'string', minLength: 1, maxLength: MAX_KEY },
};

const KEY_REUSED = {
  description: 'The Idempotency-Key came before with other parameters. Nothing was done.',
  content: {
    'application/json': {
      schema: { $ref: `#/components/schemas/${refusalName(409, {})}` },
      example: {
        code: 409,
        msg: 'the Idempotency-Key was used before with other parameters: send the same parameters again, or use another key',
        data: {},
      },
    },
  },
};

interface KeyedDescription {
  components?: Record<string, unknown>;
  paths?: Record<
    string,
    Record<string, { parameters?: unknown[]; responses?: Record<string, unknown>; [mark: string]: unknown }>
  >;
}

/** Adds the header, and the refusals of it, to the operations that take it. */
export function withKeys<T extends KeyedDescription>(description: T): T {
  addComponents(description, 'parameters', { IdempotencyKey: PARAMETER });
  addComponents(description, 'responses', { KeyReused: KEY_REUSED });
  for (const methods of Object.values(description.paths ?? {})) {
    for (const operation of Object.values(methods)) {
      if (operation[TAKES_KEY] !== true) continue;
      operation.parameters = [
        { $ref: '#/components/parameters/IdempotencyKey' },
        ...(operation.parameters ?? []),
      ];
      operation.responses = { ...operation.responses, 409: { $ref: '#/components/responses/KeyReused' } };
    }
  }
  return description;
}
