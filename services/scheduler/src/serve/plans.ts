import { type Preview, plans, ServiceError } from '@rigel/contracts';
import {
  type OnBehalf,
  prepareDeploy,
  prepareExpand,
  prepareShrinkByAddress,
} from '../operations/change-pool.js';
import { assertMachinesOnce, planTasks } from '../operations/create-tasks.js';
import { readHeld } from '../operations/held-nodes.js';
import type { Plan } from '../operations/plan.js';
import { earlierOf } from '../operations/plan-reads.js';
import { previewOf } from '../operations/preview.js';
import { planAgain } from '../operations/run-again.js';
import { planScript } from '../operations/run-script.js';
import { callOwner } from './control.js';
import type { Parts } from './parts.js';

/** Previews of one operation that a replica makes at once; it refuses more. Each reads and renders as much as its operation. */
const AT_ONCE = { concurrency: 32 };

/** Serves the plans of operations. A plan is made by the code of its operation, and records nothing. */
export function servePlans(parts: Parts): void {
  const { bus, operations } = parts;
  const byHand = (operator: string): OnBehalf => ({ operator, flowType: 'manual' });
  const showing = async (plan: Plan) => preview(plan, parts);
  operations.serve(
    plans.create,
    async (request, context) => showing(await planTasks(request, context, parts)),
    AT_ONCE,
  );
  operations.serve(
    plans.run,
    async (request, context) => showing(await planScript(request, context, parts)),
    AT_ONCE,
  );
  operations.serve(
    plans.again,
    async (request, context) => showing(await planAgain(request, context, parts)),
    AT_ONCE,
  );
  operations.serve(
    plans.expand,
    async (request, context) =>
      showing(await prepareExpand(request, byHand(request.opr_user), context, parts)),
    AT_ONCE,
  );
  operations.serve(
    plans.shrink,
    async (request, context) =>
      showing(await prepareShrinkByAddress(request, byHand(request.opr_user), context, parts)),
    AT_ONCE,
  );
  operations.serve(
    plans.deploy,
    async (request, context) =>
      showing(await prepareDeploy(request, byHand(request.opr_user), context, parts)),
    AT_ONCE,
  );
  operations.serve(
    plans.start,
    async (request, context) => {
      const answer = await callOwner(bus, { ...request, command: 'planStart' }, context);
      if (!answer.preview) throw new Error(`the owner of task ${request.id} made no plan`);
      return answer.preview;
    },
    AT_ONCE,
  );
}

async function preview(plan: Plan, { planning, clock, settings }: Parts): Promise<Preview> {
  if (!planning) throw new Error('this scheduler makes no plans');
  const [held, earlier] = await Promise.all([
    readHeld(plan.task.targets, planning, clock.now()),
    earlierOf(plan.task.template, planning),
  ]);
  return previewOf(plan, {
    held,
    earlier,
    refused: refusedAnyway(plan),
    retryDelayMs: settings.retryDelayMs,
  });
}

/** Why the recording would be refused whoever holds the nodes. */
function refusedAnyway({ task }: Plan): ServiceError | null {
  try {
    assertMachinesOnce(task.targets);
    return null;
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
}
