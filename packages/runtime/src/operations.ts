import {
  type OnceAnswer,
  type OnceKey,
  onceOf,
  type Rpc,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
} from '@rigel/contracts';
import {
  type AskedOnce,
  assertMatches,
  type Bus,
  type RequestContext,
  type ServeOptions,
} from '@rigel/messaging';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from './database/database-errors.js';

/** Carries out a request with a key once; see `AnswersKept` of the event store. */
export interface OnceKeeper {
  once<T>(key: OnceKey, work: (asked: AskedOnce) => Promise<T>): Promise<OnceAnswer<T>>;
}

/** The operations that this service serves, from the first request to the last answer. */
export class Operations {
  private readonly stopServing: (() => Promise<void>)[] = [];
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(
    private readonly bus: Bus,
    private readonly log: Logger,
    /** Needed by services with operations that take a key. */
    private readonly keeper?: OnceKeeper,
  ) {}

  /**
   * Serves an operation, and if it is keyed also its form with a key. Then the handler is called once for each key,
   * however often the request is repeated, and must keep its answer in the transaction of its changes (`keepAnswer`,
   * with the context's `once`).
   * @returns a function that ends serving this operation; see Bus.serve.
   */
  serve<R extends Rpc>(
    rpc: R,
    handler: (request: RpcRequest<R>, context: RequestContext) => Promise<RpcResponse<R>>,
    options?: ServeOptions,
  ): () => Promise<void> {
    const stop = this.serveOne(rpc, handler, options);
    if (!rpc.keyed) return stop;
    const { keeper } = this;
    if (!keeper) throw new Error(`${rpc.subject} takes a key, but this service keeps no answers`);
    const stopKeyed = this.serveOne(
      onceOf(rpc),
      ({ once, request }, context) => {
        const checked = assertMatches(rpc.request, request) as RpcRequest<R>;
        return keeper.once(once, (asked) => handler(checked, { ...context, once: asked }));
      },
      options,
    );
    return async () => {
      await Promise.all([stop(), stopKeyed()]);
    };
  }

  private serveOne<R extends Rpc>(
    rpc: R,
    handler: (request: RpcRequest<R>, context: RequestContext) => Promise<RpcResponse<R>>,
    options?: ServeOptions,
  ): () => Promise<void> {
    const answer = async (request: RpcRequest<R>, context: RequestContext): Promise<RpcResponse<R>> => {
      const work = handler(request, context);
      this.underWay.add(work);
      try {
        return await work;
      } catch (error) {
        if (!isDatabaseUnavailable(error)) throw error;
        this.log.warn(
          { err: error, subject: rpc.subject },
          'refused a request: the database does not answer',
        );
        throw new ServiceError('unavailable', 'the database does not answer');
      } finally {
        this.underWay.delete(work);
      }
    };
    const stop = this.bus.serve(rpc, answer, options);
    this.stopServing.push(stop);
    return stop;
  }

  /**
   * Takes no more requests and waits for those that are being handled, so that the database can be closed afterwards.
   */
  async stop(): Promise<void> {
    await Promise.all(this.stopServing.map((stop) => stop()));
    await Promise.allSettled(this.underWay);
  }
}
