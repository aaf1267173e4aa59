import {
  PARTITIONS_TAKEN_SUBJECT,
  PartitionsTaken,
  partitionOf,
  type Rpc,
  type RpcRequest,
  type RpcResponse,
} from '@rigel/contracts';
import type { Bus, CallContext } from '@rigel/messaging';

const ASK_AGAIN = Symbol('the partition has a new owner');

/**
 * Calls to the scheduler that owns a task. An owner that dies answers nothing more. So when another scheduler takes
 * over its partition, the calls that still wait are repeated at once, and do not wait for their time limit. Every
 * operation of an executor may be repeated.
 */
export class SchedulerCalls {
  /** For each call without an answer, the function that repeats it; by partition. */
  private readonly waiting = new Map<number, Set<() => void>>();

  constructor(private readonly bus: Bus) {
    bus.subscribe(PARTITIONS_TAKEN_SUBJECT, PartitionsTaken, ({ partitions }) => {
      for (const partition of partitions) {
        for (const askAgain of this.waiting.get(partition) ?? []) askAgain();
      }
    });
  }

  /** Like `Bus.call`, to the owner of the task. */
  async call<R extends Rpc>(
    rpc: R,
    data: RpcRequest<R> & { task_id: number },
    context: CallContext,
  ): Promise<RpcResponse<R>> {
    const partition = partitionOf(data.task_id);
    for (;;) {
      const answer = await this.once(rpc, data, { ...context, partition });
      if (answer !== ASK_AGAIN) return answer;
    }
  }

  private once<R extends Rpc>(
    rpc: R,
    data: RpcRequest<R>,
    context: CallContext & { partition: number },
  ): Promise<RpcResponse<R> | typeof ASK_AGAIN> {
    let calls = this.waiting.get(context.partition);
    if (!calls) {
      calls = new Set();
      this.waiting.set(context.partition, calls);
    }
    const others = calls;
    return new Promise((resolve, reject) => {
      const askAgain = (): void => {
        others.delete(askAgain);
        resolve(ASK_AGAIN);
      };
      others.add(askAgain);
      this.bus.call(rpc, data, context).then(
        (answer) => {
          others.delete(askAgain);
          resolve(answer);
        },
        (error: unknown) => {
          others.delete(askAgain);
          reject(error);
        },
      );
    });
  }
}
