import { type TSchema, Type } from 'typebox';

/*
 * A check takes long: it is begun by one request, runs once at a time over all replicas of its service, and its last result is
 * kept and read by others. Times are milliseconds since 1970.
 */

const Time = Type.Integer();
const who = { by: Type.String() };

/** The check that is under way; null: none is. */
export const CheckRunning = Type.Union([
  Type.Object({
    since: Time,
    ...who,
    /** How far it is; its unit is the check's. */
    progress: Type.Integer({ minimum: 0 }),
  }),
  Type.Null(),
]);

/** The last check that has come to an end; null: there was none. */
export function CheckOutcome<Result extends TSchema>(result: Result) {
  return Type.Union([
    Type.Object({
      began: Time,
      ended: Time,
      ...who,
      /** Null: it could not be done, for the reason. */
      result: Type.Union([result, Type.Null()]),
      reason: Type.String(),
    }),
    Type.Null(),
  ]);
}
