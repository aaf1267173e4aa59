import { type execution, type RpcResponse, ServiceError, type TaskPlan } from '@rigel/contracts';
import t from 'tap';
import { Plans } from './plans.js';
import type { SchedulerCalls } from './scheduler-calls.js';

const context = { correlationId: 'c', actor: 'executor' };
const planOf = (task_id: number, uuid = 'u'): TaskPlan => ({
  task_id,
  uuid,
  correlation_id: 'c',
  steps: [],
});

/** Plans, and how often one was asked for by itself. */
function start(answer: (task_id: number) => Promise<RpcResponse<typeof execution.plan>>) {
  const asked: number[] = [];
  const call = (_rpc: unknown, { task_id }: { task_id: number }) => {
    asked.push(task_id);
    return answer(task_id);
  };
  return { plans: new Plans({ call } as unknown as SchedulerCalls), asked };
}

t.test('the plan comes with the first claim, and others wait for it', async (t) => {
  const { plans, asked } = start(async (id) => planOf(id));
  const keep = plans.comesWithClaim(1);
  t.equal(plans.comesWithClaim(1), undefined, 'one claim asks');
  const waiting = [plans.get(1, context), plans.get(1, context)];
  keep?.(planOf(1));
  t.same(await Promise.all(waiting), [planOf(1), planOf(1)]);
  t.equal(plans.comesWithClaim(1), undefined, 'it is kept');
  t.same(await plans.get(1, context), planOf(1));
  t.same(asked, []);
});

t.test('a plan that did not come with the claim is fetched once', async (t) => {
  const { plans, asked } = start(async (id) => planOf(id));
  const keep = plans.comesWithClaim(1);
  const waiting = [plans.get(1, context), plans.get(1, context)];
  keep?.(undefined);
  t.same(await Promise.all(waiting), [planOf(1), planOf(1)]);
  t.same(asked, [1]);
});

t.test('a failed fetch is not kept, and the plan of another task with the same id is replaced', async (t) => {
  let fails = true;
  const { plans, asked } = start(async (id) => {
    if (fails) throw new ServiceError('unavailable', 'nobody answers');
    return planOf(id, 'new');
  });
  plans.comesWithClaim(1)?.(undefined);
  await t.rejects(plans.get(1, context), { code: 'unavailable' });
  fails = false;
  plans.comesWithClaim(1)?.(planOf(1, 'old'));
  t.same(await plans.get(1, context), planOf(1, 'old'));
  t.same(await plans.getAgain(1, context), planOf(1, 'new'));
  t.same(asked, [1, 1]);
});

t.test('the oldest plans are forgotten', async (t) => {
  const { plans, asked } = start(async (id) => planOf(id));
  for (let id = 1; id <= 300; id++) plans.comesWithClaim(id)?.(planOf(id));
  await plans.get(300, context);
  t.same(asked, []);
  await plans.get(1, context);
  t.same(asked, [1]);
});
