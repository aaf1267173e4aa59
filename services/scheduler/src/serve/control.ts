import {
  defineRpc,
  Id,
  Preview,
  partitionOf,
  type RpcRequest,
  type RpcResponse,
  requests,
  TASK_CONTROL_OPERATION,
  Text,
} from '@rigel/contracts';
import { metaOf } from '@rigel/event-store';
import type { Bus, RequestContext } from '@rigel/messaging';
import { Type } from 'typebox';
import { assertStopConfirmed } from '../operations/confirm-stop.js';
import { assertStartShown, planStart } from '../operations/plan-start.js';
import { choiceOf, reserveForResume } from '../operations/resume.js';
import type { Parts } from './parts.js';
import { previewStart } from './plan-of-start.js';

/**
 * From any replica to the owner of the task's partition. `startAs` is a start that is bound to something, and `planStart` its plan: an
 * owner of an earlier release refuses them, because it would start more than was asked for.
 */
export const control = defineRpc(TASK_CONTROL_OPERATION, {
  request: Type.Object({
    id: Id,
    command: Type.Union([
      Type.Literal('start'),
      Type.Literal('startAs'),
      Type.Literal('planStart'),
      Type.Literal('pause'),
      Type.Literal('stop'),
      Type.Literal('release'),
      Type.Literal('nodeRemoved'),
    ]),
    opr_user: Text,
    /** For what concerns one node run: its id, and why. Also why a task is paused or stopped. */
    run: Type.Optional(Id),
    reason: Type.Optional(Text),
    /** For starts: what they choose, and the plan that they are bound to. */
    runs: requests.start.properties.runs,
    max_fail_num: requests.start.properties.max_fail_num,
    max_fail_ratio: requests.start.properties.max_fail_ratio,
    if_plan: requests.start.properties.if_plan,
    /** For a stop: the name of the task's pool, if the pool is protected. */
    confirm: Type.Optional(Text),
  }),
  response: Type.Object({ preview: Type.Optional(Preview) }),
});

type ControlRequest = RpcRequest<typeof control>;

const OWNER_TIMEOUT_MS = 4_000;

/** Sends a command to the owner of the task's partition. */
export function callOwner(
  bus: Bus,
  request: ControlRequest,
  { correlationId, actor, client }: RequestContext,
): Promise<RpcResponse<typeof control>> {
  const partition = partitionOf(request.id);
  return bus.call(control, request, { correlationId, actor, client, partition, timeoutMs: OWNER_TIMEOUT_MS });
}

/** Carries out a command that a replica has sent to the owner of the task's partition. @throws ServiceError the refusal */
export async function controlTask(
  request: ControlRequest,
  context: RequestContext,
  parts: Parts,
): Promise<RpcResponse<typeof control>> {
  const { engine } = parts;
  const { id, command, opr_user: operator, run: runId = 0, reason = '' } = request;
  const meta = metaOf(context, operator);
  switch (command) {
    case 'release':
    case 'nodeRemoved': {
      const { created } = await engine.task(id);
      const run = runId - created.firstRunId;
      await engine.submit(id, { do: command, run, operator, reason }, meta);
      return {};
    }
    case 'planStart':
      return { preview: await previewStart(request, context, parts) };
    case 'start':
    case 'startAs': {
      const task = await engine.task(id);
      const choice = choiceOf(task, request);
      const { if_plan } = request;
      const shown =
        if_plan === undefined
          ? undefined
          : assertStartShown(if_plan, await planStart(task, request, context, parts));
      const preparation = await reserveForResume(task, choice.only, context, parts);
      await engine.submit(id, { do: 'start', operator, ...choice, shown, ...preparation }, meta);
      return {};
    }
    case 'stop':
      await assertStopConfirmed(await engine.task(id), request.confirm, context, parts);
      await engine.submit(id, { do: 'stop', operator, reason }, meta);
      return {};
    case 'pause':
      await engine.submit(id, { do: 'pause', operator, reason }, meta);
      return {};
    default:
      return command satisfies never;
  }
}
