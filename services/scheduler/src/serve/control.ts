import {
  Done,
  defineRpc,
  Id,
  partitionOf,
  type RpcRequest,
  TASK_CONTROL_OPERATION,
  Text,
} from '@rigel/contracts';
import { metaOf } from '@rigel/event-store';
import type { Bus, RequestContext } from '@rigel/messaging';
import { Type } from 'typebox';
import { assertStopConfirmed } from '../operations/confirm-stop.js';
import { reserveForResume } from '../operations/resume.js';
import type { Parts } from './parts.js';

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
    /** For a stop: the name of the task's pool, if the pool is protected. */
    confirm: Type.Optional(Text),
  }),
  response: Done,
});

type ControlRequest = RpcRequest<typeof control>;

const OWNER_TIMEOUT_MS = 4_000;

/** Sends a command to the owner of the task's partition. */
export function callOwner(
  bus: Bus,
  request: ControlRequest,
  { correlationId, actor, client }: RequestContext,
): Promise<object> {
  const partition = partitionOf(request.id);
  return bus.call(control, request, { correlationId, actor, client, partition, timeoutMs: OWNER_TIMEOUT_MS });
}

/** Carries out a command that a replica has sent to the owner of the task's partition. @throws ServiceError the refusal */
export async function controlTask(
  { id, command, opr_user: operator, run: runId = 0, reason = '', confirm }: ControlRequest,
  context: RequestContext,
  parts: Parts,
): Promise<object> {
  const { engine } = parts;
  const meta = metaOf(context, operator);
  if (command === 'release' || command === 'nodeRemoved') {
    const { created } = await engine.task(id);
    const run = runId - created.firstRunId;
    await engine.submit(id, { type: command, run, operator, reason }, meta);
  } else if (command === 'start') {
    const preparation = await reserveForResume(await engine.task(id), context, parts);
    await engine.submit(id, { type: 'start', operator, ...preparation }, meta);
  } else {
    if (command === 'stop') await assertStopConfirmed(await engine.task(id), confirm, context, parts);
    await engine.submit(id, { type: command, operator }, meta);
  }
  return {};
}
