import { type TSchema, Type } from 'typebox';
import { RefusalReasonRow } from '../answer/reason.js';
import type { Failure } from '../failures.js';

/** `data` of a refusal is always empty; it is there for clients that read it before they look at `code`. */
const DATA = {
  '': Type.Object({}, { additionalProperties: false }),
  WithList: Type.Array(Type.Unknown(), { maxItems: 0 }),
  WithNull: Type.Null(),
};

/** The statuses of refusals, and the forms of `data` in them, in addition to the empty object. */
const CODES: [code: number, ...others: Exclude<keyof typeof DATA, ''>[]][] = [
  [400, 'WithList', 'WithNull'],
  [401],
  [403],
  [404, 'WithList', 'WithNull'],
  [409],
  [413],
  [429],
  [503, 'WithNull'],
];

/**
 * The envelope of each refusal, by its name in `components.schemas`: `Refused404`, and `Refused404WithNull` where
 * `data` is null.
 */
export const refusals: Record<string, TSchema> = Object.fromEntries([
  ['RefusalReason', RefusalReasonRow] as const,
  ...CODES.flatMap(([code, ...others]) =>
    (['', ...others] as const).map((form) => [
      `Refused${code}${form}`,
      Type.Object({
        code: Type.Literal(code),
        msg: Type.String(),
        data: DATA[form],
        reason: Type.Optional(RefusalReasonRow),
      }),
    ]),
  ),
]);

/** The name of a refusal's envelope. */
export function refusalName(code: number, data: Failure['data']): string {
  const kind = data === null ? 'WithNull' : Array.isArray(data) ? 'WithList' : '';
  const name = `Refused${code}${kind}`;
  if (!refusals[name]) throw new Error(`${name} is no refusal of the API: enter it in CODES`);
  return name;
}
