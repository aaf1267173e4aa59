import { type Static, Type } from 'typebox';
import { defineRpc, type Rpc } from './rpc.js';

/*
 * Requests with a key make something once, however often a client repeats them. The service keeps its answer under the
 * key, in the transaction of its changes, and answers repetitions with it.
 */

const Hash = Type.String({
  maxLength: 64,
  pattern: '^[0-9a-f]{64}$',
  description: 'A SHA-256 in 64 hexadecimal digits.',
});

/** Identifies a request, so that the service recognises repetitions. Both fields are hashes and reveal nothing. */
export const OnceKey = Type.Object({
  /** Hash of the client, the operation and the client's key. */
  key: Hash,
  /** Hash of the request's parameters. The service refuses another request with the same key. */
  request: Hash,
});
export type OnceKey = Static<typeof OnceKey>;

/** How long a service keeps an answer for repetitions. */
export const ONCE_KEPT_MS = 24 * 3_600_000;

const OnceRequest = Type.Object({ once: OnceKey, request: Type.Unknown() });

/** An operation that is called with a key. */
export interface OnceRpc<R extends Rpc = Rpc> extends Rpc<typeof OnceRequest> {
  /** The operation itself. */
  readonly operation: R;
}

/** The operation's own answer, and whether it is the kept answer of an earlier request. */
export interface OnceAnswer<Answer> {
  repeated: boolean;
  answer: Answer;
}

const known = new WeakMap<Rpc, OnceRpc>();

/**
 * The operation with a key, on a subject of its own. So only services that know keys get the request: an earlier
 * release would carry out a repetition once more.
 */
export function onceOf<R extends Rpc>(operation: R): OnceRpc<R> {
  const before = known.get(operation);
  if (before) return before as OnceRpc<R>;
  if (!operation.keyed) throw new Error(`${operation.subject} takes no key`);
  const { subject, response, timeoutMs } = operation;
  const rpc = {
    ...defineRpc(`${subject.replace(/^rigel\./, '')}.once`, {
      // The serving side checks the inner request, so that refusals name its fields as the plain operation does.
      request: OnceRequest,
      response: Type.Object({ repeated: Type.Boolean(), answer: response }),
      timeoutMs,
    }),
    operation,
  };
  known.set(operation, rpc);
  return rpc;
}
