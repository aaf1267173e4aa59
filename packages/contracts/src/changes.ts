import { type Static, Type } from 'typebox';

/*
 * The history of a thing, in public terms: one entry for each change, whatever service owns the thing.
 */

/** The fields that a change set, and what they were before; null: there was none. */
export const ChangedFields = Type.Array(
  Type.Object({ name: Type.String(), before: Type.Unknown(), after: Type.Unknown() }),
);
export type ChangedFields = Static<typeof ChangedFields>;

/** What every entry of a history says. A service adds the kinds of change, and what belongs to them. */
export const changeFields = {
  /** Where the change stands in the history of the service. */
  position: Type.Integer({ minimum: 1 }),
  /** Version of the thing after it; absent: a change of something that belongs to the thing. */
  version: Type.Optional(Type.Integer({ minimum: 1 })),
  /** When it was recorded, in milliseconds since 1970. */
  time: Type.Integer(),
  /** The operator, or the part of the system that acted for itself. */
  operator: Type.String(),
  /** Address of the client; empty: from inside. */
  client: Type.String(),
  correlation_id: Type.String(),
  fields: ChangedFields,
};

/** Entries before a position of the history, newest first. */
export const changesBefore = {
  before: Type.Optional(Type.Integer({ minimum: 1 })),
  limit: Type.Integer({ minimum: 1, maximum: 1_000 }),
};
