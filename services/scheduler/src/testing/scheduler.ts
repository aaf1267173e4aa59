import {
  type AttemptResult,
  catalog,
  execution,
  type Instruction,
  inventory,
  partitionOf,
  type Rpc,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import { runInProcess, settingsOn, type TestServers, waitFor } from '@rigel/testing';
import type { Logger } from 'pino';
import { startScheduler } from '../scheduler.js';

export const CONTEXT = { correlationId: 'test', actor: 'tester' };

/** One scheduler process, in this process, on real servers. */
export async function startReplica(servers: TestServers, name = 'scheduler', log?: Logger) {
  return runInProcess(startScheduler, {
    name,
    ...(log ? { log } : {}),
    bus: await servers.startBus(name),
    config: {
      ...settingsOn(servers),
      RIGEL_WORK_REPLICAS: 1,
      RIGEL_RETRY_DELAY: 0,
      RIGEL_REMOTE_TIMEOUT: 600,
      RIGEL_PROVIDER_TIMEOUT: 450,
      RIGEL_DEPENDENCY_TIMEOUT: 1_800,
      RIGEL_TIME_ZONE: 'UTC',
    },
  });
}

/**
 * Answers for inventory and catalog as their contracts say: every address `10.0.0.<n>` is node n of pool 1, and every
 * template has two steps, of which template 2 ignores errors.
 * @param asked is called when an inventory has found nodes, which it tells when that has come to its end.
 */
export function serveNeighbours(
  bus: Bus,
  asked: () => Promise<void> = async () => undefined,
  { inventory: withInventory = true } = {},
): void {
  serveCatalog(bus);
  if (!withInventory) return;
  bus.serve(inventory.findTargets, async ({ ips }) => {
    await asked();
    return {
      targets: ips.map((ip) => ({
        node_id: Number(ip.split('.')[3]),
        ip,
        vm_id: '',
        pool_id: 1,
        pool_name: 'pool',
      })),
      unknown: [],
    };
  });
  bus.serve(inventory.targetsById, async ({ ids }) => ({
    targets: ids.map((node_id) => ({
      node_id,
      ip: `10.0.0.${node_id}`,
      vm_id: '',
      pool_id: 1,
      pool_name: 'pool',
    })),
  }));
}

function serveCatalog(bus: Bus): void {
  bus.serve(catalog.resolveTemplate, async ({ id }) => ({
    id,
    name: 'template',
    steps: ['one', 'two'].map((name) => ({
      name,
      kind: 'remote' as const,
      param_values: {},
      retry: { retry_times: 1, ignore_error: id === 2 },
      actions: [{ name, params: {}, module: 'shell' as const, text: 'true' }],
    })),
  }));
}

/** The scheduler's counterpart in a test: a client of the API and an executor in one. */
export class Counterpart {
  constructor(readonly bus: Bus) {}

  call<R extends Rpc>(rpc: R, request: RpcRequest<R>, taskId?: number): Promise<RpcResponse<R>> {
    return this.bus.call(rpc, request, {
      ...CONTEXT,
      ...(taskId === undefined ? {} : { partition: partitionOf(taskId) }),
    });
  }

  /** Calls until the scheduler is there again. */
  patiently<R extends Rpc>(rpc: R, request: RpcRequest<R>, taskId?: number): Promise<RpcResponse<R>> {
    return waitFor(
      async () => {
        try {
          return { answer: await this.call(rpc, request, taskId) };
        } catch (error) {
          if (error instanceof ServiceError && error.code === 'unavailable') return undefined;
          throw error;
        }
      },
      { what: `${rpc.subject} is answered`, timeoutMs: 30_000 },
    ).then(({ answer }) => answer as RpcResponse<R>);
  }

  /** Claims a run. @throws when it is refused. */
  async claim(
    taskId: number,
    runId: number,
    executor = 'executor-1',
  ): Promise<{ lease: number; next: Instruction }> {
    const answer = await this.patiently(
      execution.claim,
      { task_id: taskId, run_id: runId, executor, capabilities: ['ssh'] },
      taskId,
    );
    if (answer.status !== 'granted') throw new Error(`the claim was refused: ${answer.reason}`);
    return answer;
  }

  report(
    taskId: number,
    runId: number,
    lease: number,
    instruction: Instruction,
    result: Partial<AttemptResult> = {},
  ): RpcRequest<typeof execution.report> {
    if (instruction.do === 'release') throw new Error('a released run has nothing to report');
    return {
      task_id: taskId,
      run_id: runId,
      lease,
      step: instruction.step,
      attempt: instruction.attempt,
      result: { status: 'succeeded', reason: '', started_at: 1, finished_at: 2, ...result },
      capabilities: ['ssh'],
    };
  }

  /** Claims a run and lets its steps succeed until it is released. */
  async finish(taskId: number, runId: number): Promise<void> {
    const { lease, next } = await this.claim(taskId, runId);
    for (let instruction = next; instruction.do !== 'release'; ) {
      const report = this.report(taskId, runId, lease, instruction);
      const answer = await this.patiently(execution.report, report, taskId);
      if (answer.status !== 'accepted') throw new Error(`the report was refused: ${answer.reason}`);
      instruction = answer.next;
    }
  }
}
