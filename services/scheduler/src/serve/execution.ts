import type { Clock } from '@rigel/clock';
import {
  type AttemptResult,
  type OutputPiece as ContractPiece,
  Done,
  defineRpc,
  execution,
  HEARTBEAT_SUBJECT,
  Heartbeat,
  Id,
  listOf,
  live,
  outputStoredSubject,
  partitionOf,
  plainLine,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  speaksFor,
  TASK_CONTROL_OPERATION,
  TASK_CREATED_SUBJECT,
  type TaskPlan,
  Text,
  tasks,
} from '@rigel/contracts';
import { metaOf } from '@rigel/event-store';
import type { Bus, RequestContext } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import type { Logger } from 'pino';
import { Type } from 'typebox';
import type { TaskEngine } from '../engine/engine.js';
import { deployPool, expandPool, type OnBehalf, shrinkPool } from '../operations/change-pool.js';
import { type CreateTaskSettings, createTasks } from '../operations/create-tasks.js';
import { takenAddress } from '../operations/machine-address.js';
import { type RunControl, releaseNode, reserveForRemoval } from '../operations/release.js';
import { reserveForResume } from '../operations/resume.js';
import type { TaskQueries } from '../reads/task-queries.js';
import type { TaskRecorder, TaskStore } from '../store/task-store.js';
import type { TaskCreated } from '../task/events.js';
import type { OutputPiece } from '../task/read-model.js';
import { runAt } from '../task/state.js';
import type { Executors } from '../why/executors.js';
import { servePartitionWhy, serveWhy, type WhyStore } from '../why/serve.js';

/** From any replica to the owner of the task's partition. */
export const control = defineRpc(TASK_CONTROL_OPERATION, {
  request: Type.Object({
    id: Id,
    command: Type.Union([
      Type.Literal('start'),
      Type.Literal('pause'),
      Type.Literal('stop'),
      Type.Literal('release'),
      Type.Literal('nodeRemoved'),
    ]),
    opr_user: Text,
    /** For what concerns one node run: its id, and why. */
    run: Type.Optional(Id),
    reason: Type.Optional(Text),
  }),
  response: Done,
});

/** Told to all replicas: there is a new task to take up. */
export const TaskAnnounced = Type.Object({ ids: listOf(Id) });

/** A recorder whose tasks are taken up at once: here where they are owned, and by the replicas that it tells of them. */
export function announcing({
  store,
  engine,
  bus,
  log,
}: Pick<Parts, 'store' | 'engine' | 'bus' | 'log'>): TaskRecorder {
  return {
    create: async (wanted, now) => {
      const tasks = await store.create(wanted, now);
      for (const task of tasks) {
        // Whoever misses a task finds it at the next look into the table.
        engine
          .take(task)
          .catch((error: unknown) => log.warn({ err: error, task: task.id }, 'not taken up yet'));
      }
      const ofOthers = tasks.map(({ id }) => id).filter((id) => !engine.owns(id));
      if (ofOthers.length > 0) bus.publish(TASK_CREATED_SUBJECT, { ids: ofOthers });
      return tasks;
    },
    reserve: (...request) => store.reserve(...request),
    reserveForRemoval: (...request) => store.reserveForRemoval(...request),
    taskOfRun: (id) => store.taskOfRun(id),
    heldRuns: (nodes) => store.heldRuns(nodes),
  };
}

/** What the operations are made of. */
export interface Parts {
  bus: Bus;
  operations: Operations;
  engine: TaskEngine;
  store: TaskRecorder;
  settings: CreateTaskSettings;
  clock: Clock;
  log: Logger;
  /** Executors as their heartbeats tell of them. */
  executors: Executors;
  /** What explanations of tasks need of the store; without it none are given. */
  why?: WhyStore | undefined;
  /** Reads how tasks are, for those who wait for their end; without it nobody can. */
  outcomes?: Pick<TaskQueries, 'outcome'> | undefined;
  /** Keeps stored output within its limit; without it all stays. */
  outputs?: Pick<TaskStore, 'dropOutput'> | undefined;
}

/** What only reads; any replica answers it. */
export function serveQueries(operations: Operations, queries: TaskQueries): void {
  operations.serve(tasks.list, (request) => queries.list(request));
  operations.serve(tasks.get, ({ id }) => queries.get(id));
  operations.serve(tasks.detail, ({ id }) => queries.detail(id));
  operations.serve(tasks.log, (request) => queries.log(request));
  operations.serve(tasks.nodeLog, ({ id }) => queries.nodeLog(id));
  operations.serve(tasks.holders, ({ node_ids }) => queries.holders(node_ids));
  operations.serve(live.taskEvents, (request) => queries.events(request));
  operations.serve(live.runOutput, (request) => queries.output(request));
}

/** Commands that any replica takes; those for a task are passed on to the owner of its partition. */
export function serveTasks(parts: Parts): void {
  const { bus, operations, engine, store, clock } = parts;
  operations.serve(tasks.create, (request, context) => createTasks(request, context, parts));
  const byHand = (operator: string): OnBehalf => ({ operator, flowType: 'manual' });
  operations.serve(tasks.expand, ({ opr_user, ...request }, context) =>
    expandPool(request, byHand(opr_user), context, parts),
  );
  operations.serve(tasks.shrink, ({ opr_user, ...request }, context) =>
    shrinkPool(request, byHand(opr_user), context, parts),
  );
  operations.serve(tasks.deploy, ({ opr_user, ...request }, context) =>
    deployPool(request, byHand(opr_user), context, parts),
  );
  const forward =
    (command: 'start' | 'pause' | 'stop') =>
    ({ id, opr_user }: RpcRequest<typeof tasks.start>, { correlationId, actor, client }: RequestContext) =>
      bus.call(
        control,
        { id, command, opr_user },
        { correlationId, actor, client, partition: partitionOf(id), timeoutMs: 4_000 },
      );
  operations.serve(tasks.start, forward('start'));
  operations.serve(tasks.pause, forward('pause'));
  operations.serve(tasks.stop, forward('stop'));
  const controlRun: RunControl = (id, command, { correlationId, actor, client }) =>
    bus.call(
      control,
      { id, ...command },
      { correlationId, actor, client, partition: partitionOf(id), timeoutMs: 4_000 },
    );
  operations.serve(tasks.releaseNode, async (request, context) => {
    await releaseNode(request, context, { store, control: controlRun });
    return {};
  });
  operations.serve(tasks.reserveNodes, async ({ node_ids, ttl_ms }, context) => {
    await reserveForRemoval(node_ids, ttl_ms, context, { store, control: controlRun, clock });
    return {};
  });
  bus.subscribe(TASK_CREATED_SUBJECT, TaskAnnounced, ({ ids }) => {
    // Whoever misses this finds the task at the next look into the table.
    if (ids.some((id) => engine.lacks(id))) engine.adopt().catch(() => undefined);
  });
  bus.subscribe(HEARTBEAT_SUBJECT, Heartbeat, (heartbeat) => {
    if (!speaksFor(heartbeat.executor, heartbeat.key)) {
      engine.forgeries.refused(heartbeat.executor, 'a heartbeat');
      return;
    }
    parts.executors.heard(heartbeat, clock.now());
    engine.heartbeat(heartbeat.executor, heartbeat.leases, heartbeat.tasks);
  });
  if (parts.why) serveWhy({ ...parts, store: parts.why });
}

function runIndex(firstRunId: number, runId: number): number {
  return runId - firstRunId;
}

function planOf(taskId: number, created: TaskCreated): TaskPlan {
  return {
    task_id: taskId,
    uuid: created.uuid,
    correlation_id: created.correlationId,
    ...(created.traceparent === undefined ? {} : { traceparent: created.traceparent }),
    task_name: created.name,
    operator: created.operator,
    pool: created.pool.name,
    ...(created.cluster === undefined ? {} : { cluster: created.cluster }),
    ...(created.vmType === undefined ? {} : { vm_type: created.vmType }),
    steps: created.steps,
  };
}

/**
 * Operations that only the owner of a partition answers. Returns a function that takes no more of them; it resolves
 * when what had been sent here has been answered or is being worked on.
 */
export function servePartition(partition: number, parts: Parts): () => Promise<void> {
  const { bus, operations, engine } = parts;
  const options = { partition, concurrency: 10_000 };
  /** Whether an executor speaks of a task that had this id before the database was restored. */
  const isAnother = (
    created: { uuid: string },
    { task_id, uuid }: { task_id: number; uuid?: string | undefined },
    executor: string,
  ): boolean => {
    if (uuid === undefined || uuid === created.uuid) return false;
    engine.forgotten.another(task_id, uuid, executor);
    return true;
  };
  const dropMiddle = async (
    piece: OutputPiece,
    { kept }: Pick<ContractPiece, 'kept'> = {},
  ): Promise<void> => {
    const middle = middleOf(piece, kept);
    if (middle === undefined) return;
    // What stays too long goes with the next piece.
    await parts.outputs
      ?.dropOutput(piece, middle)
      .catch((error: unknown) => parts.log.warn({ err: error }, 'output over the limit was not removed yet'));
  };
  const stops = [
    operations.serve(
      control,
      async ({ id, command, opr_user, run: runId, reason = '' }, context) => {
        const meta = metaOf(context, opr_user);
        if (command === 'release' || command === 'nodeRemoved') {
          const { created } = await engine.task(id);
          const run = runIndex(created.firstRunId, runId ?? 0);
          await engine.submit(id, { type: command, run, operator: opr_user, reason }, meta);
        } else if (command === 'start') {
          const task = await engine.task(id);
          const preparation = await reserveForResume(task, context, parts);
          await engine.submit(id, { type: 'start', operator: opr_user, ...preparation }, meta);
        } else {
          await engine.submit(id, { type: command, operator: opr_user }, meta);
        }
        return {};
      },
      options,
    ),
    operations.serve(
      execution.claim,
      async (request): Promise<RpcResponse<typeof execution.claim>> => {
        const { task_id, run_id, executor, key, knows_places = false } = request;
        if (!speaksFor(executor, key)) {
          engine.forgeries.refused(executor, `a claim of run ${run_id} of task ${task_id}`);
          return { status: 'refused', reason: `this is not the key of executor ${executor}` };
        }
        const { created } = await engine.task(task_id);
        const { uuid, firstRunId } = created;
        const index = runIndex(firstRunId, run_id);
        const { claim, next } = await answered(
          engine.submit(task_id, { type: 'claim', run: index, executor, knowsPlaces: knows_places }, null),
        );
        const plan = request.plan ? { plan: planOf(task_id, created) } : {};
        if (!claim || !next) return { status: 'refused', reason: 'the run needs nobody', ...plan };
        const { lease, node, ip, vm, hostKey } = claim;
        return {
          status: 'granted',
          lease,
          uuid,
          node: { node_id: node, ip, vm_id: vm, host_key: hostKey },
          next,
          ...plan,
        };
      },
      options,
    ),
    operations.serve(
      execution.plan,
      async ({ task_id }) => planOf(task_id, (await engine.task(task_id)).created),
      options,
    ),
    operations.serve(
      execution.report,
      async (report, { actor }): Promise<RpcResponse<typeof execution.report>> => {
        const { task_id, run_id, lease, step, attempt, result, output, host_key, capabilities } = report;
        const task = await engine.task(task_id);
        const { created } = task;
        const run = runIndex(created.firstRunId, run_id);
        if (isAnother(created, report, actor)) return { status: 'refused', reason: anotherTask(task_id) };
        const taken = result.machine
          ? await takenAddress(
              runAt(task, run),
              result.machine,
              { correlationId: created.correlationId, actor },
              bus,
            )
          : undefined;
        const piece = output ? toPiece(run_id, step, attempt, output) : null;
        const { next, refused } = await answered(
          engine.submitLeased(
            task_id,
            {
              type: 'report',
              run,
              lease,
              step,
              attempt,
              result: plainResult(result),
              capabilities,
              ...(host_key === undefined ? {} : { hostKey: host_key }),
              ...(taken === undefined ? {} : { takenAddress: taken }),
            },
            report,
            piece,
          ),
        );
        if (!next) return { status: 'refused', reason: refused ?? 'the lease is over' };
        if (piece) {
          await dropMiddle(piece, output);
          bus.publish(outputStoredSubject(run_id), {});
        }
        return { status: 'accepted', next };
      },
      options,
    ),
    operations.serve(
      execution.place,
      async (request, { actor }): Promise<RpcResponse<typeof execution.place>> => {
        const { task_id, run_id, lease, step, attempt, placement, why } = request;
        const { created } = await engine.task(task_id);
        const run = runIndex(created.firstRunId, run_id);
        if (isAnother(created, request, actor)) return { status: 'refused', reason: anotherTask(task_id) };
        const command = { type: 'place' as const, run, lease, step, attempt, placement, why };
        const { refused } = await answered(engine.submitLeased(task_id, command, request));
        return refused === undefined ? { status: 'accepted' } : { status: 'refused', reason: refused };
      },
      options,
    ),
    operations.serve(
      execution.output,
      async ({ task_id, run_id, lease, key, uuid, step, attempt, output }, { actor }) => {
        const { created } = await engine.task(task_id);
        const run = runIndex(created.firstRunId, run_id);
        if (isAnother(created, { task_id, uuid }, actor))
          throw new ServiceError('wrong_state', anotherTask(task_id));
        const piece = toPiece(run_id, step, attempt, output);
        await engine.storeOutput(task_id, { run, lease, sender: { key, uuid } }, piece);
        await dropMiddle(piece, output);
        bus.publish(outputStoredSubject(run_id), {});
        return {};
      },
      options,
    ),
    operations.serve(
      execution.handBack,
      async ({ task_id, run_id, lease, key, uuid }, { actor }) => {
        const { created } = await engine.task(task_id);
        const run = runIndex(created.firstRunId, run_id);
        if (isAnother(created, { task_id, uuid }, actor)) return {};
        await engine.submitLeased(task_id, { type: 'handBack', run, lease, idle: false }, { key, uuid });
        return {};
      },
      options,
    ),
  ];
  const { outcomes } = parts;
  if (outcomes) {
    stops.push(
      operations.serve(
        tasks.awaitEnd,
        async ({ id, wait_ms }) => {
          await engine.untilGone(id, wait_ms);
          return outcomes.outcome(id);
        },
        options,
      ),
    );
  }
  if (parts.why) stops.push(servePartitionWhy(partition, { ...parts, store: parts.why }));
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

/** A reason is for people; the output has the rest. */
const MAX_REASON = 2_000;

/**
 * What an executor reports holds words of nodes and providers. Here, once for all of them, they are made plain; an exit status
 * that no process can have counts as none.
 */
export function plainResult({ exit_code, ...result }: AttemptResult): AttemptResult {
  const possible = exit_code !== undefined && exit_code >= 0 && exit_code <= 255;
  return {
    ...result,
    reason: plainLine(result.reason, MAX_REASON),
    ...(result.note === undefined ? {} : { note: plainLine(result.note, MAX_REASON) }),
    ...(possible ? { exit_code } : {}),
  };
}

const anotherTask = (id: number): string =>
  `this is not the task ${id} that it was: the database was restored`;

/** A refusal by the task's rules is an answer; that nothing could be recorded is an error, and the caller tries again. */
async function answered(
  outcome: ReturnType<TaskEngine['submit']>,
): Promise<Awaited<ReturnType<TaskEngine['submit']>> & { refused?: string }> {
  try {
    return await outcome;
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'wrong_state') return { refused: error.message };
    throw error;
  }
}

/**
 * What is stored between the beginning and the end that are kept, now that a piece of output ends at this byte; undefined where
 * it is not worth a statement: an eighth of the end may be stored beyond it.
 */
function middleOf({ start, data }: OutputPiece, kept: ContractPiece['kept']): [number, number] | undefined {
  if (kept === undefined) return undefined;
  const end = start + data.length;
  const grain = Math.max(1, kept.tail >> 3);
  if (Math.floor(start / grain) === Math.floor(end / grain)) return undefined;
  return end - kept.tail > kept.head ? [kept.head, end - kept.tail] : undefined;
}

function toPiece(
  runId: number,
  step: number,
  attempt: number,
  output: { offset: number; data: string },
): OutputPiece {
  return { runId, step, attempt, start: output.offset, data: Buffer.from(output.data, 'base64') };
}
