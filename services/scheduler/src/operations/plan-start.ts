import type { LeftOutNode, RpcRequest, tasks } from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import type { Choice } from '../task/commands.js';
import { isOpen } from '../task/phase.js';
import { assertStartable, budgetAfter } from '../task/resume.js';
import type { Run, TaskState } from '../task/state.js';
import type { CreateTaskParts } from './create-tasks.js';
import { assertShown, type PlanParts } from './plan.js';
import { choiceOf, unavailableForResume } from './resume.js';

/*
 * The plan of a start: which node runs go on from which step, which stay as they are, and which lack their node. The steps are those
 * of the task, whatever the catalog says today.
 */

/** What a start does. Pure data. */
export interface StartPlan {
  task: TaskState;
  choice: Choice;
  /** Runs that go on, those that are at work included. */
  runs: readonly Run[];
  /** Of these, runs whose node the task cannot have: they fail at once. */
  lacking: readonly Run[];
  /** Failed nodes that the task tolerates from here on, those that stay failed included; null: no budget. */
  budget: number | null;
  leftOut: readonly LeftOutNode[];
}

type StartRequest = Omit<RpcRequest<typeof tasks.start>, 'opr_user'>;

/**
 * What a start would do now, from what the owner of the task knows and reads.
 * @throws ServiceError the refusal
 */
export async function planStart(
  task: TaskState,
  request: StartRequest,
  context: RequestContext,
  { bus, clock, planning }: Pick<CreateTaskParts, 'bus' | 'clock' | 'planning'>,
): Promise<StartPlan> {
  if (!planning) throw new Error('this scheduler makes no plans');
  const choice = choiceOf(task, request);
  // Read first: what is decided below is decided at one moment.
  const { holders } = planning;
  const { gone, held } = await unavailableForResume(task, choice.only, context, { bus, clock, holders });
  const opened = assertStartable(task, choice);
  const missing = new Map<number, Omit<LeftOutNode, 'node_id' | 'ip'>>([
    ...gone.map(({ node, reason }) => [node, { code: 'left_pool' as const, text: reason }] as const),
    ...held.map(({ node, reason, task: other }) => {
      const row = { code: 'held' as const, text: reason, ...(other === undefined ? {} : { task_id: other }) };
      return [node, row] as const;
    }),
  ]);
  const goes = new Set(opened);
  const runs = task.runs.filter((run) => goes.has(run) || isOpen(run));
  const lacking = opened.filter(({ node }) => missing.has(node));
  const leftOut = task.runs.flatMap((run): LeftOutNode[] => {
    const row = missing.get(run.node);
    if (row && goes.has(run)) return [{ node_id: run.node, ip: run.ip, ...row }];
    return goes.has(run) || isOpen(run) ? [] : [stays(run)];
  });
  return { task, choice, runs, lacking, budget: budgetAfter(task, opened, choice.budget), leftOut };
}

function stays(run: Run): LeftOutNode {
  const node = { node_id: run.node, ip: run.ip };
  switch (run.verdict) {
    case 'succeeded':
      return { ...node, code: 'succeeded', text: 'it has succeeded already' };
    case 'failed':
      return { ...node, code: 'stays_failed', text: 'it failed, and stays as it is' };
    case 'stopped':
      return { ...node, code: 'stays_halted', text: 'it was halted, and stays as it is' };
    case null:
      return { ...node, code: 'not_begun', text: 'it has not begun, and does not begin' };
    default:
      return run.verdict satisfies never;
  }
}

/** The parts of the plan of a start, for its hash. */
export function partsOfStart({ task, runs, lacking, budget }: StartPlan): PlanParts {
  const { steps, template, timeoutMs, batchSize } = task.created;
  const lacks = new Set(lacking);
  return {
    template: {
      task: task.id,
      ...template,
      steps: steps.map(({ actions: _, param_values: __, ...step }) => step),
    },
    catalog: steps.map(({ actions }) => actions),
    parameters: steps.map(({ param_values }) => param_values),
    nodes: runs.map((run) => [run.id, run.node, run.ip, run.vm, run.step, lacks.has(run) ? 'lacks' : 'goes']),
    settings: { budget, timeoutMs, batchSize },
  };
}

/**
 * What the start is bound to: exactly the runs of the plan that was shown.
 * @throws ServiceError `wrong_state` (field `if_plan`) when another plan was shown.
 */
export function assertStartShown(shown: string, plan: StartPlan): NonNullable<Choice['shown']> {
  assertShown(shown, () => partsOfStart(plan));
  const open = plan.runs.filter((run) => !isOpen(run));
  return { runs: open.map(({ index }) => index), unavailable: plan.lacking.map(({ node }) => node) };
}
