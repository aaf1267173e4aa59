import type { Static, TSchema } from 'typebox';

/**
 * One request/reply operation between services. The schemas are the contract: the serving side refuses a request that
 * does not match, before a handler sees it.
 */
export interface Rpc<Request extends TSchema = TSchema, Response extends TSchema = TSchema> {
  /** NATS subject. The caller replaces `{partition}`, for operations that only the owner of a partition answers. */
  readonly subject: string;
  readonly request: Request;
  readonly response: Response;
  /** Milliseconds after which the caller stops waiting. */
  readonly timeoutMs: number;
  /**
   * Requests that leave a process in one turn of its event loop travel in one message, and one message answers them
   * when all are done. For operations that are called by the hundred, end together, and may be repeated.
   */
  readonly together: boolean;
  /**
   * Answers are sealed for the caller, because others may listen to its inbox; see `wire/sealing.ts` of the messaging
   * package.
   */
  readonly sealed: boolean;
  /** The operation makes something and may be called with a key, so that repeated requests make it once: `onceOf`. */
  readonly keyed: boolean;
}

export type RpcRequest<R extends Rpc> = Static<R['request']>;
export type RpcResponse<R extends Rpc> = Static<R['response']>;

/** Time limit of an ordinary operation; a client of the HTTP API gets its refusal within this time. */
export const DEFAULT_RPC_TIMEOUT_MS = 4_500;

/**
 * Time limit of a call that a service makes while it answers an ordinary operation: its caller then gets the reason in
 * time.
 */
export const WITHIN_ANOTHER_MS = 3_000;

export function defineRpc<Request extends TSchema, Response extends TSchema>(
  subject: string,
  schemas: {
    request: Request;
    response: Response;
    timeoutMs?: number;
    together?: boolean;
    sealed?: boolean;
    keyed?: boolean;
  },
): Rpc<Request, Response> {
  return {
    subject: `rigel.${subject}`,
    request: schemas.request,
    response: schemas.response,
    timeoutMs: schemas.timeoutMs ?? DEFAULT_RPC_TIMEOUT_MS,
    together: schemas.together ?? false,
    sealed: schemas.sealed ?? false,
    keyed: schemas.keyed ?? false,
  };
}
