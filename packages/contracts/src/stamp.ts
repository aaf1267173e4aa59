import { type Static, Type } from 'typebox';
import { Text } from './forms.js';

/*
 * The version of a thing is the number of the last event of its stream. Who saves a thing names the version that the
 * new values were made from, and a change that came in between is not lost silently.
 */

/** Fields of a thing about its last change. Absent: a service of an earlier release answers. */
export const stampFields = {
  /** Counts its changes, from 1. */
  version: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Milliseconds since 1970. */
  updated_at: Type.Optional(Type.Integer()),
  /** The operator, or the part of the system that acted for itself. */
  updated_by: Type.Optional(Type.String()),
};
const Stamp = Type.Object(stampFields);
export type Stamp = Static<typeof Stamp>;

/** The version that a change was made from; absent: whatever the version is. `conflict`: the thing has another one. */
export const ifVersion = Type.Optional(Type.Integer({ minimum: 1 }));

/** The set of files that a thing is written in; absent or empty: none. */
export const managedBy = Type.Optional(Text);
