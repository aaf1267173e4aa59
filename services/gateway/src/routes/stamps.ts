import { MAX_SET_NAME, type Stamp } from '@rigel/contracts';
import { type TObject, type TProperties, Type } from 'typebox';

/** The set of files that a thing is written in: of its row, and of its creation and changes. */
export const ManagedBy = Type.String({
  maxLength: MAX_SET_NAME,
  description: 'The set of files that the thing is written in; empty: none.',
});

/** Who changed a thing last: members of its row in the API. */
export const stampRow = {
  version: Type.Optional(
    Type.Integer({
      description:
        'Counts its changes, from 1. A save may name the version that it was made from: if_version.',
    }),
  ),
  updated_at: Type.Optional(Type.String({ description: 'When it was changed last, RFC 3339, in UTC.' })),
  updated_by: Type.Optional(Type.String({ description: 'Who changed it last.' })),
};

/** The same of a thing that can be written in files. */
export const managedRow = { managed_by: Type.Optional(ManagedBy), ...stampRow };

/** The schema of a thing with a stamp, as the API answers it. */
export function stampedRow<Properties extends TProperties>(thing: TObject<Properties>) {
  const { version: _, updated_at: __, updated_by: ___, ...own } = thing.properties;
  return Type.Object({ ...(own as Omit<Properties, keyof Stamp>), ...stampRow });
}

/** The same of a thing that can be written in files. */
export function managedStampedRow<Properties extends TProperties>(thing: TObject<Properties>) {
  const { version: _, updated_at: __, updated_by: ___, managed_by: ____, ...own } = thing.properties;
  return Type.Object({ ...(own as Omit<Properties, keyof Stamp | 'managed_by'>), ...managedRow });
}

/** A row with the time of its last change as the API writes times. */
export function withStampRow<Row extends Stamp>({ updated_at, ...row }: Row) {
  return { ...row, ...(updated_at === undefined ? {} : { updated_at: new Date(updated_at).toISOString() }) };
}

/** The same for a page of rows. */
export function withStampRows<Row extends Stamp>({ rows, total }: { rows: readonly Row[]; total: number }) {
  return { rows: rows.map(withStampRow), total };
}

/** The parameter of saves and deletions. */
export const IfVersion = Type.Optional(
  Type.Integer({
    minimum: 1,
    description:
      'The version that the request was made from. If the thing has another one by now, nothing is done: 409.',
  }),
);

export const exampleStamp = { version: 3, updated_at: '2026-01-05T08:00:00.000Z', updated_by: 'ann' };
