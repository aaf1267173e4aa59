import { onceOf, PARTITIONS, type Rpc, type RpcRequest, type RpcResponse } from '@rigel/contracts';
import { assertMatches, type Bus, type RequestContext } from '@rigel/messaging';

type Answer<R extends Rpc> = (
  data: RpcRequest<R>,
  context: RequestContext,
) => RpcResponse<R> | Promise<RpcResponse<R>>;

/**
 * The services' side of the wire: answers their operations over NATS as a test says, each answer checked against the
 * contract, and remembers what was asked.
 */
export class Responders {
  private readonly answers = new Map<string, Answer<Rpc>>();
  private readonly calls: { subject: string; data: unknown; context: RequestContext }[] = [];

  constructor(private readonly bus: Bus) {}

  on<R extends Rpc>(rpc: R, answer: Answer<R>): void {
    const served = this.answers.has(rpc.subject);
    this.answers.set(rpc.subject, answer as Answer<Rpc>);
    // Under a key it answers the same, as a first request.
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

  /** What an operation was last asked, and by whom; undefined when it was not asked since `forget`. */
  last(rpc: Rpc): { data: unknown; context: RequestContext } | undefined {
    return this.calls.findLast((call) => call.subject === rpc.subject);
  }

  /** Subjects of the operations that were asked since `forget`. */
  get asked(): string[] {
    return this.calls.map(({ subject }) => subject);
  }

  forget(): void {
    this.calls.length = 0;
  }
}
