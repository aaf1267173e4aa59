import type { Clock } from '@rigel/clock';
import {
  defineRpc,
  Id,
  partitionOf,
  ServiceError,
  TASK_WHY_OF_OWNER_OPERATION,
  type TaskWhy,
  taskWhy,
  TaskWhy as Why,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import { Type } from 'typebox';
import type { TaskEngine } from '../engine/engine.js';
import type { TaskState } from '../task/state.js';
import type { Executors } from './executors.js';
import { explain } from './explain.js';
import type { LiveFacts } from './facts.js';

/** From any replica to the owner of the task's partition, which alone knows leases and offers. */
export const ownersWhy = defineRpc(TASK_WHY_OF_OWNER_OPERATION, {
  request: Type.Object({ id: Id }),
  response: Why,
});
const OWNER_TIMEOUT_MS = 2_500;

/** What is recorded of a task beside its state, for its explanation. */
export interface WhyStore {
  load(taskId: number): Promise<TaskState | undefined>;
  whyFacts(task: TaskState): Promise<Pick<LiveFacts, 'lastControl' | 'heldByOthers' | 'lastOutput'>>;
}

export interface WhyParts {
  bus: Bus;
  operations: Operations;
  store: WhyStore;
  engine: TaskEngine;
  executors: Executors;
  clock: Clock;
}

/** Any replica explains a task: by way of the owner of its partition, or from its history alone when there is none. */
export function serveWhy({ bus, operations, store, clock }: WhyParts): void {
  operations.serve(taskWhy, async ({ id }, { correlationId, actor }): Promise<TaskWhy> => {
    try {
      const partition = partitionOf(id);
      return await bus.call(
        ownersWhy,
        { id },
        { correlationId, actor, partition, timeoutMs: OWNER_TIMEOUT_MS },
      );
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'unavailable') throw error;
    }
    const task = await store.load(id);
    if (!task) throw new ServiceError('not_found', `there is no task ${id}`);
    return explain(task, {
      now: clock.now(),
      owned: false,
      lease: () => undefined,
      offer: () => undefined,
      waitsFor: () => undefined,
      executors: [],
      ...(await store.whyFacts(task)),
    });
  });
}

/** @returns a function that ends it, see Operations.serve. */
export function servePartitionWhy(partition: number, parts: WhyParts): () => Promise<void> {
  const { operations, store, engine, executors, clock } = parts;
  return operations.serve(
    ownersWhy,
    async ({ id }) => {
      const task = await engine.task(id);
      const recorded = await store.whyFacts(task);
      const now = clock.now();
      return explain(task, {
        now,
        owned: true,
        lease: (run) => engine.leaseOf(id, run),
        offer: (run) => engine.offerOf(id, run),
        waitsFor: (runId) => {
          const holder = task.runs[runId - task.created.firstRunId]?.holder;
          return holder ? executors.waitsFor(holder, runId) : undefined;
        },
        executors: executors.present(now),
        ...recorded,
      });
    },
    { partition },
  );
}
