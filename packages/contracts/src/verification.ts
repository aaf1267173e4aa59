import { type Static, Type } from 'typebox';
import { CheckOutcome, CheckRunning } from './checks.js';
import type { EventOwner } from './events.js';
import { defineRpc } from './rpc.js';

/*
 * Whether the read tables of a service say what its events say: `rigel verify`, done by the service itself while it works. Each
 * service verifies the schema that it owns.
 */

const Count = Type.Integer({ minimum: 0 });

/** A difference in words and parts. Values are JSON texts, shortened. */
export const FoundDifference = Type.Object({
  /** `value`, `missing row`, `row without events`: `rigel rebuild` repairs it. `history`: events contradict each other. */
  kind: Type.Union([
    Type.Literal('value'),
    Type.Literal('missing row'),
    Type.Literal('row without events'),
    Type.Literal('history'),
  ]),
  /** Empty: it is about events. */
  table: Type.String(),
  /** Key of the row, `id=7`. */
  row: Type.String(),
  /** Empty: the whole row. */
  column: Type.String(),
  /** What the table has; empty: no row. */
  value: Type.String(),
  /** What follows from the events; empty: no row. */
  expected: Type.String(),
  text: Type.String(),
});
export type FoundDifference = Static<typeof FoundDifference>;

/** Differences that are kept and shown; all are counted. */
export const MAX_SHOWN_DIFFERENCES = 100;

export const VerificationResult = Type.Object({
  /** Position of the last event that was verified. */
  events: Count,
  differences: Count,
  found: Type.Array(FoundDifference, { maxItems: MAX_SHOWN_DIFFERENCES }),
});
export type VerificationResult = Static<typeof VerificationResult>;

/** The last verification of a service, and the one that is under way. */
export function readVerification(service: EventOwner) {
  return defineRpc(`${service}.verification.read`, {
    request: Type.Object({}),
    response: Type.Object({ running: CheckRunning, last: CheckOutcome(VerificationResult) }),
  });
}

/** Begins to verify, and does not wait for the end. `begun` is false: one is under way already. */
export function beginVerification(service: EventOwner) {
  return defineRpc(`${service}.verification.begin`, {
    request: Type.Object({}),
    response: Type.Object({ begun: Type.Boolean() }),
  });
}

export type Verification = Static<ReturnType<typeof readVerification>['response']>;
