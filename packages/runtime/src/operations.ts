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

/** Carries out what is asked for under a key once; see `AnswersKept` of the event store. */
export interface OnceKeeper {
  once<T>(key: OnceKey, work: (asked: AskedOnce) => Promise<T>): Promise<OnceAnswer<T>>;
}

/** The operations that this service answers, from the first request until the last answer is given. */
export class Operations {
  private readonly stopServing: (() => Promise<void>)[] = [];
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(
    private readonly bus: Bus,
    private readonly log: Logger,
    /** Needed where operations that take a key are served. */
    private readonly keeper?: OnceKeeper,
  ) {}

  /**
   * Serves an operation, and one that takes a key also under a key: then the handler is called once for the key, however often it
   * is asked for, and has to keep its answer in the transaction of what it makes (`keepAnswer`, by the context's `once`).
   * @returns a function that takes no more requests of this operation; see Bus.serve.
   */
  serve<R extends Rpc>(
    rpc: R,
    handler: (request: RpcRequest<R>, context: RequestContext) => Promise<RpcResponse<R>>,
    options?: ServeOptions,
  ): () => Promise<void> {
    const stop = this.serveOne(rpc, handler, options);
    if (!rpc.keyed) return stop;
    const { keeper } = this;
    if (!keeper) throw new Error(`${rpc.subject} takes a key, and nothing keeps answers here`);
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
        this.log.warn({ err: error, subject: rpc.subject }, 'the database does not answer');
        throw new ServiceError('unavailable', 'the database does not answer');
      } finally {
        this.underWay.delete(work);
      }
    };
    const stop = this.bus.serve(rpc, answer, options);
    this.stopServing.push(stop);
    return stop;
  }

  /** Takes no more requests and waits for those under way, so that the database can be closed after it. */
  async stop(): Promise<void> {
    await Promise.all(this.stopServing.map((stop) => stop()));
    await Promise.allSettled(this.underWay);
  }
}
