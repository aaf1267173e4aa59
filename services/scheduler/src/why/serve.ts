import type { Clock } from '@rigel/clock';
import {
  defineRpc,
  Id,
  nodeRuns,
  noSuch,
  partitionOf,
  ServiceError,
  TASK_WHY_OF_OWNER_OPERATION,
  type TaskWhy,
  taskWhy,
  TaskWhy as Why,
} from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import { Type } from 'typebox';
import type { TaskEngine } from '../engine/engine.js';
import type { TaskState } from '../task/state.js';
import type { Executors } from './executors.js';
import { explain } from './explain.js';
import type { LiveFacts } from './facts.js';

/** From any replica to the owner of the task's partition, which alone knows leases and offers. */
export const ownersWhy = defineRpc(TASK_WHY_OF_OWNER_OPERATION, {
  request: Type.Object({
    id: Id,
    /** Explain this node run, whatever its state is, instead of the first ones that wait or have failed. */
    run_id: Type.Optional(Id),
  }),
  response: Why,
});
const OWNER_TIMEOUT_MS = 2_500;

/** What is recorded of a task beside its state, for its explanation. */
export interface WhyStore {
  load(taskId: number): Promise<TaskState | undefined>;
  taskOfRun(runId: number): Promise<number | undefined>;
  /** @param run id of a run that is explained beside the first ones. */
  whyFacts(
    task: TaskState,
    run?: number,
  ): Promise<Pick<LiveFacts, 'lastControl' | 'heldByOthers' | 'lastOutput'>>;
}

export interface WhyParts {
  bus: Bus;
  operations: Operations;
  store: WhyStore;
  engine: TaskEngine;
  executors: Executors;
  clock: Clock;
}

/**
 * Any replica explains a task, or one of its runs: by way of the owner of its partition, or from its history alone when
 * there is none.
 */
export function serveWhy({ bus, operations, store, clock }: WhyParts): void {
  const explained = async (
    id: number,
    { correlationId, actor }: Pick<RequestContext, 'correlationId' | 'actor'>,
    runId?: number,
  ): Promise<TaskWhy> => {
    try {
      const partition = partitionOf(id);
      const request = runId === undefined ? { id } : { id, run_id: runId };
      const context = { correlationId, actor, partition, timeoutMs: OWNER_TIMEOUT_MS };
      const answer = await bus.call(ownersWhy, request, context);
      // An owner of an earlier release does not know single runs.
      if (runId === undefined || answer.nodes.some(({ run_id }) => run_id === runId)) return answer;
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'unavailable') throw error;
    }
    const task = await store.load(id);
    if (!task) throw noSuch('task', id, `there is no task ${id}`);
    const facts = {
      now: clock.now(),
      owned: false,
      lease: () => undefined,
      offer: () => undefined,
      waitsFor: () => undefined,
      executors: [],
      ...(await store.whyFacts(task, runId)),
    };
    return explain(task, facts, runId);
  };
  operations.serve(taskWhy, ({ id }, context) => explained(id, context));
  operations.serve(nodeRuns.why, async ({ id }, context) => {
    const taskId = await store.taskOfRun(id);
    if (taskId === undefined) throw noSuch('node_run', id, `there is no node run ${id}`);
    const { chain, nodes } = await explained(taskId, context, id);
    const node = nodes.find(({ run_id }) => run_id === id);
    if (!node) throw noSuch('node_run', id, `task ${taskId} has no node run ${id}`);
    const task = chain.slice(0, chain.length - node.chain.length);
    return { ...node, task_id: taskId, task, text: chain.map(({ text }) => text).join(' ← ') };
  });
}

/** @returns a function that ends it, see Operations.serve. */
export function servePartitionWhy(partition: number, parts: WhyParts): () => Promise<void> {
  const { operations, store, engine, executors, clock } = parts;
  return operations.serve(
    ownersWhy,
    async ({ id, run_id }) => {
      const task = await engine.task(id);
      const recorded = await store.whyFacts(task, run_id);
      const now = clock.now();
      const facts: LiveFacts = {
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
      };
      return explain(task, facts, run_id);
    },
    { partition },
  );
}
