import { type Rpc, type RpcRequest, type RpcResponse, ServiceError } from '@rigel/contracts';
import type { Bus, RequestContext, ServeOptions } from '@rigel/messaging';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from './database-errors.js';

/** The operations that this service answers, from the first request until the last answer is given. */
export class Operations {
  private readonly stopServing: (() => Promise<void>)[] = [];
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(
    private readonly bus: Bus,
    private readonly log: Logger,
  ) {}

  /** @returns a function that takes no more requests of this operation; see Bus.serve. */
  serve<R extends Rpc>(
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
