import { type Static, Type } from 'typebox';
import { defineRpc, type Rpc } from './rpc.js';

/*
 * Things that are to be made once, however often they are asked for. Whoever asks names the request by a key; the service
 * keeps what it answered under that key, in the transaction of what it made, and answers a repetition with it.
 */

const Hash = Type.String({
  maxLength: 64,
  pattern: '^[0-9a-f]{64}$',
  description: 'A SHA-256 in 64 hexadecimal digits.',
});

/** Names a request, so that a repetition of it is known. Both are hashes: neither tells what it was made from. */
export const OnceKey = Type.Object({
  /** Of whoever asks, what is asked for and under which key. */
  key: Hash,
  /** Of the request's parameters: another one under the same key is a mistake. */
  request: Hash,
});
export type OnceKey = Static<typeof OnceKey>;

/** How long an answer is kept for repetitions. */
export const ONCE_KEPT_MS = 24 * 3_600_000;

const OnceRequest = Type.Object({ once: OnceKey, request: Type.Unknown() });

/** An operation under a key. */
export interface OnceRpc<R extends Rpc = Rpc> extends Rpc<typeof OnceRequest> {
  /** The operation itself. */
  readonly operation: R;
}

/** What an operation under a key answers: the operation's own answer, and whether that is of an earlier request. */
export interface OnceAnswer<Answer> {
  repeated: boolean;
  answer: Answer;
}

const known = new WeakMap<Rpc, OnceRpc>();

/**
 * The operation under a key: on a subject of its own, so that only services that know keys are asked. A release that does not
 * would carry a repetition out once more.
 */
export function onceOf<R extends Rpc>(operation: R): OnceRpc<R> {
  const before = known.get(operation);
  if (before) return before as OnceRpc<R>;
  if (!operation.keyed) throw new Error(`${operation.subject} takes no key`);
  const { subject, response, timeoutMs } = operation;
  const rpc = {
    ...defineRpc(`${subject.replace(/^rigel\./, '')}.once`, {
      // Whoever serves it looks at the request itself, so that a refusal names its fields as that operation does.
      request: OnceRequest,
      response: Type.Object({ repeated: Type.Boolean(), answer: response }),
      timeoutMs,
    }),
    operation,
  };
  known.set(operation, rpc);
  return rpc;
}
