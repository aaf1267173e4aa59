import {
  type AttemptResult,
  type execution,
  outputStoredSubject,
  plainLine,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  speaksFor,
  type TaskPlan,
} from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import { takenAddress } from '../operations/machine-address.js';
import type { TaskCreated } from '../task/events.js';
import { runAt, type TaskState } from '../task/state.js';
import { limitOutput, toPiece } from './output.js';
import type { Parts } from './parts.js';

/*
 * The protocol with the executors (contracts/src/execution.ts), at the owner of the task's partition: each operation becomes a command
 * of the engine, and what the engine answers the answer. That a lease is over, or that another executor was faster, is an ordinary
 * answer; that the engine could not record anything is an error, and the executor tries again.
 */

type Context = Pick<RequestContext, 'actor'>;

/** An executor takes an offer: it gets the lease of the run, and its first instruction. */
export async function claim(
  request: RpcRequest<typeof execution.claim>,
  { engine }: Pick<Parts, 'engine'>,
): Promise<RpcResponse<typeof execution.claim>> {
  const { task_id, run_id, executor, key, knows_places: knowsPlaces = false } = request;
  if (!speaksFor(executor, key)) {
    engine.forgeries.refused(executor, `a claim of run ${run_id} of task ${task_id}`);
    return { status: 'refused', reason: `this is not the key of executor ${executor}` };
  }
  const { created } = await engine.task(task_id);
  const run = run_id - created.firstRunId;
  const claimed = await engine.claim(task_id, { do: 'claim', run, executor, knowsPlaces });
  const plan = request.plan ? { plan: planOf(task_id, created) } : {};
  if ('refused' in claimed) return { status: 'refused', reason: claimed.refused, ...plan };
  const { lease, node, ip, vm, hostKey, next } = claimed;
  return {
    status: 'granted',
    lease,
    uuid: created.uuid,
    node: { node_id: node, ip, vm_id: vm, host_key: hostKey },
    next,
    ...plan,
  };
}

/** The steps of a task, for an executor that does not know them yet. */
export async function plan(
  { task_id }: RpcRequest<typeof execution.plan>,
  { engine }: Pick<Parts, 'engine'>,
): Promise<RpcResponse<typeof execution.plan>> {
  return planOf(task_id, (await engine.task(task_id)).created);
}

/** An attempt has ended: its outcome and its last output are recorded together, and the executor gets its next instruction. */
export async function report(
  request: RpcRequest<typeof execution.report>,
  { actor }: Context,
  parts: Parts,
): Promise<RpcResponse<typeof execution.report>> {
  const { task_id, run_id, lease, step, attempt, output, host_key: hostKey, capabilities } = request;
  const { engine, bus } = parts;
  const task = await engine.task(task_id);
  const reused = whyReused(task, request, actor, parts);
  if (reused !== undefined) return { status: 'refused', reason: reused };
  const { correlationId, firstRunId } = task.created;
  const run = run_id - firstRunId;
  const { machine } = request.result;
  const taken = machine && (await takenAddress(runAt(task, run), machine, { correlationId, actor }, bus));
  const piece = output ? toPiece(run_id, step, attempt, output) : null;
  const { next, refused = 'the lease is over' } = await engine.submitLeased(
    task_id,
    {
      do: 'report',
      run,
      lease,
      step,
      attempt,
      result: plainResult(request.result),
      capabilities,
      ...(hostKey === undefined ? {} : { hostKey }),
      ...(taken === undefined ? {} : { takenAddress: taken }),
    },
    request,
    piece,
  );
  if (!next) return { status: 'refused', reason: refused };
  if (piece) {
    await limitOutput(piece, output?.kept, parts);
    bus.publish(outputStoredSubject(run_id), {});
  }
  return { status: 'accepted', next };
}

/** An executor is about to begin an attempt outside of the node's home folder, and records where. */
export async function place(
  request: RpcRequest<typeof execution.place>,
  { actor }: Context,
  parts: Parts,
): Promise<RpcResponse<typeof execution.place>> {
  const { task_id, run_id, lease, step, attempt, placement, why } = request;
  const task = await parts.engine.task(task_id);
  const reused = whyReused(task, request, actor, parts);
  if (reused !== undefined) return { status: 'refused', reason: reused };
  const run = run_id - task.created.firstRunId;
  const command = { do: 'place' as const, run, lease, step, attempt, placement, why };
  const { refused } = await parts.engine.submitLeased(task_id, command, request);
  return refused === undefined ? { status: 'accepted' } : { status: 'refused', reason: refused };
}

/** Output of an attempt that goes on. @throws ServiceError `wrong_state` when the lease is over. */
export async function output(
  request: RpcRequest<typeof execution.output>,
  { actor }: Context,
  parts: Parts,
): Promise<RpcResponse<typeof execution.output>> {
  const { task_id, run_id, lease, step, attempt, output, ...sender } = request;
  const task = await parts.engine.task(task_id);
  refuse(whyReused(task, request, actor, parts));
  const run = run_id - task.created.firstRunId;
  const piece = toPiece(run_id, step, attempt, output);
  const { refused } = await parts.engine.storeOutput(task_id, { run, lease, sender }, piece);
  refuse(refused);
  await limitOutput(piece, output.kept, parts);
  parts.bus.publish(outputStoredSubject(run_id), {});
  return {};
}

/** An executor that stops gives its run to others. @throws ServiceError `wrong_state` when the lease is another executor's. */
export async function handBack(
  request: RpcRequest<typeof execution.handBack>,
  { actor }: Context,
  parts: Parts,
): Promise<RpcResponse<typeof execution.handBack>> {
  const { task_id, run_id, lease, ...sender } = request;
  const task = await parts.engine.task(task_id);
  if (whyReused(task, request, actor, parts) !== undefined) return {};
  const run = run_id - task.created.firstRunId;
  const command = { do: 'handBack' as const, run, lease, idle: false };
  const { refused } = await parts.engine.submitLeased(task_id, command, sender);
  refuse(refused);
  return {};
}

/** For operations whose contract has no place for a refusal. */
function refuse(reason: string | undefined): void {
  if (reason !== undefined) throw new ServiceError('wrong_state', reason);
}

/** Why an executor is refused that means a task which had this id before the database was restored; undefined: it does not. */
function whyReused(
  { created }: TaskState,
  { task_id, uuid }: { task_id: number; uuid?: string | undefined },
  executor: string,
  { engine }: Pick<Parts, 'engine'>,
): string | undefined {
  if (uuid === undefined || uuid === created.uuid) return undefined;
  engine.forgotten.idReused(task_id, uuid, executor);
  return `task id ${task_id} was reused: the database was restored from a backup`;
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

/** A reason is for people; the output has the rest. */
const MAX_REASON = 2_000;

/**
 * What an executor reports holds words of nodes and providers. Here, once for all of them, they are made plain; an exit status
 * that no process can have counts as none.
 */
function plainResult({ exit_code, ...result }: AttemptResult): AttemptResult {
  const possible = exit_code !== undefined && exit_code >= 0 && exit_code <= 255;
  return {
    ...result,
    reason: plainLine(result.reason, MAX_REASON),
    ...(result.note === undefined ? {} : { note: plainLine(result.note, MAX_REASON) }),
    ...(possible ? { exit_code } : {}),
  };
}
