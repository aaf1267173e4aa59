import { onceOf, PARTITIONS, type Rpc, type RpcRequest, type RpcResponse } from '@rigel/contracts';
import { assertMatches, type Bus, type RequestContext } from '@rigel/messaging';

type Answer<R extends Rpc> = (
  data: RpcRequest<R>,
  context: RequestContext,
) => RpcResponse<R> | Promise<RpcResponse<R>>;

/**
 * Answers the operations of the services over NATS as a test says, checks each answer against the contract, and
 * remembers the requests.
 */
export class Responders {
  private readonly answers = new Map<string, Answer<Rpc>>();
  private readonly calls: { subject: string; data: unknown; context: RequestContext }[] = [];

  constructor(private readonly bus: Bus) {}

  on<R extends Rpc>(rpc: R, answer: Answer<R>): void {
    const served = this.answers.has(rpc.subject);
    this.answers.set(rpc.subject, answer as Answer<Rpc>);
    // A request with a key gets the same answer, as the first one under its key.
    if (rpc.keyed) {
      this.on(onceOf(rpc), async ({ request }, context) => ({
        repeated: false,
        answer: await answer(assertMatches(rpc.request, request) as RpcRequest<R>, context),
      }));
    }
    if (served) return;
    const handle = async (data: RpcRequest<R>, context: RequestContext): Promise<RpcResponse<R>> => {
      this.calls.push({ subject: rpc.subject, data, context });
      const current = this.answers.get(rpc.subject) as Answer<R>;
      const response = await current(data, context);
      try {
        return assertMatches(rpc.response, response) as RpcResponse<R>;
      } catch (error) {
        throw new Error(`the test answers ${rpc.subject} against the contract`, { cause: error });
      }
    };
    if (!rpc.subject.includes('{partition}')) this.bus.serve(rpc, handle);
    else
      for (let partition = 0; partition < PARTITIONS; partition++) this.bus.serve(rpc, handle, { partition });
  }

  /** The last request to an operation, and its actor; undefined if there was none since `forget`. */
  last(rpc: Rpc): { data: unknown; context: RequestContext } | undefined {
    return this.calls.findLast((call) => call.subject === rpc.subject);
  }

  /** Subjects of the operations that were called since `forget`. */
  get asked(): string[] {
    return this.calls.map(({ subject }) => subject);
  }

  forget(): void {
    this.calls.length = 0;
  }
}
