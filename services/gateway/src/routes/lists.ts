import { MAX_ROWS, show } from '@rigel/contracts';
import { type TSchema, Type } from 'typebox';
import { WrongParameter } from '../failures.js';

/*
 * Lists in parts: `limit` rows after a cursor, answered as `{rows, next}`.
 */

export const cursorParams = {
  limit: Type.Integer({ minimum: 1, maximum: MAX_ROWS, default: 100, description: 'Rows at most.' }),
  cursor: Type.Optional(
    Type.String({ description: '`next` of the page before; absent or empty: the first page.' }),
  ),
};

export function rowsOf<Row extends TSchema>(row: Row) {
  return Type.Object({
    rows: Type.Array(row),
    next: Type.Union([Type.String(), Type.Null()], {
      description: 'The cursor of the next page; null: this is the last one.',
    }),
  });
}

/** Rows to read, of a request with `cursorParams`. */
export function partOf({ limit, cursor }: { limit: number; cursor?: string }): {
  limit: number;
  cursor?: string;
} {
  return { limit, ...(cursor === undefined || cursor === '' ? {} : { cursor }) };
}

/** A parameter with several values. */
export function several(what: string) {
  return Type.Optional(Type.String({ description: `${what}; several with commas between them.` }));
}

/** The values of a parameter that may have several; undefined: it is absent or empty. */
export function valuesIn(text: string | undefined): string[] | undefined {
  const values = (text ?? '')
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
  return values.length === 0 ? undefined : values;
}

/**
 * The same where only some values are possible.
 * @throws WrongParameter that names them.
 */
export function chosenIn<Value extends string>(
  name: string,
  text: string | undefined,
  choices: readonly Value[],
): Value[] | undefined {
  const values = valuesIn(text);
  const wrong = values?.find((value) => !choices.includes(value as Value));
  if (wrong === undefined) return values as Value[] | undefined;
  throw new WrongParameter(
    `${name} must be one or more of ${choices.join(', ')} (got ${show(wrong)})`,
    name,
    {
      code: 'not_a_choice',
      value: wrong,
      data: { choices: choices.join(', ') },
    },
  );
}

const STATES = ['0', '1', '2', '3', '4'] as const;
export const statesParam = several(
  'Only rows in this state: 0 init, 1 running, 2 success, 3 failed, 4 stopped',
);

/** @throws WrongParameter */
export function statesIn(text: string | undefined): (0 | 1 | 2 | 3 | 4)[] | undefined {
  return chosenIn('state', text, STATES)?.map((state) => Number(state) as 0 | 1 | 2 | 3 | 4);
}
