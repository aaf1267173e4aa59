import type { Stamp } from '@rigel/contracts';
import { type TObject, type TProperties, Type } from 'typebox';
import type { TimeFormat } from '../answer/time-format.js';

/** About the last change of a thing; absent while a service of an earlier release answers. */
const stampRow = {
  version: Type.Optional(Type.Integer({ minimum: 1, description: 'Counts its changes, from 1.' })),
  updated_at: Type.Optional(Type.String({ description: 'When it was changed last: RFC 3339, in UTC.' })),
  updated_by: Type.Optional(Type.String({ description: 'Who changed it last.' })),
};

/** The schema of a thing with a stamp, as the API answers it. */
export function stampedRow<Properties extends TProperties>(thing: TObject<Properties>) {
  const { version: _, updated_at: __, updated_by: ___, ...own } = thing.properties;
  return Type.Object({ ...(own as Omit<Properties, keyof Stamp>), ...stampRow });
}

/** A thing with a stamp, as the API answers it. */
export function toStampedRow(times: TimeFormat): (thing: Stamp) => object {
  return ({ updated_at, ...thing }) =>
    updated_at === undefined ? thing : { ...thing, updated_at: times.rfc3339(updated_at) };
}

/** The same for a page of them. */
export function toStampedRows<Thing extends Stamp>(
  times: TimeFormat,
  { rows, total }: { rows: readonly Thing[]; total: number },
): { rows: object[]; total: number } {
  return { rows: rows.map(toStampedRow(times)), total };
}

/** The version that a change was made from. */
export const IfVersion = Type.Optional(
  Type.Integer({
    minimum: 1,
    description:
      'The version that the change was made from: it is refused if the thing has another one now. Absent: the later change wins.',
  }),
);
