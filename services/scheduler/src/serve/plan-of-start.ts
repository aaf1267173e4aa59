import type { Preview, RpcRequest, tasks } from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import { earlierOf } from '../operations/plan-reads.js';
import { planStart } from '../operations/plan-start.js';
import { previewOfStart } from '../operations/preview.js';
import type { Parts } from './parts.js';

/** The preview of a start, made by the owner of the task. */
export async function previewStart(
  request: Omit<RpcRequest<typeof tasks.start>, 'opr_user'>,
  context: RequestContext,
  parts: Parts,
): Promise<Preview> {
  const task = await parts.engine.task(request.id);
  const earlier = parts.planning ? await earlierOf(task.created.template, parts.planning) : [];
  return previewOfStart(await planStart(task, request, context, parts), earlier);
}
