import type { Static, TSchema } from 'typebox';

/**
 * One request/reply operation between services. The schemas are the contract: the serving side refuses a request
 * that does not match before any handler sees it.
 */
export interface Rpc<Request extends TSchema = TSchema, Response extends TSchema = TSchema> {
  /** NATS subject; `{partition}` is filled in by the caller for operations that only a partition's owner answers. */
  readonly subject: string;
  readonly request: Request;
  readonly response: Response;
  /** Milliseconds after which the caller gives up. */
  readonly timeoutMs: number;
  /**
   * Requests that leave a process at the same moment travel in one message, and are answered in one when all are done.
   * For operations that come by the hundred, end together, and may be repeated.
   */
  readonly together: boolean;
  /** Answers are sealed for whoever asks, because others may listen where they arrive; see `sealing.ts` of the messaging package. */
  readonly sealed: boolean;
  /** It makes something, and can be asked for under a key, so that it is made once however often it is asked for: `onceOf`. */
  readonly keyed: boolean;
}

export type RpcRequest<R extends Rpc> = Static<R['request']>;
export type RpcResponse<R extends Rpc> = Static<R['response']>;

/** How long an ordinary operation may take; a client of the HTTP API gets its refusal within this time. */
export const DEFAULT_RPC_TIMEOUT_MS = 4_500;

/** For what a service asks while it answers an ordinary operation: its caller then hears why, and not that time was up. */
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
