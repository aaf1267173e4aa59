import { execution, type TaskPlan } from '@rigel/contracts';
import type { CallContext } from '@rigel/messaging';
import type { SchedulerCalls } from './scheduler-calls.js';

/** Most plans kept. The oldest is removed first, and fetched again when it is needed. */
const KEPT = 200;

/**
 * The plans of the tasks that this executor works on. A plan never changes, so the executor gets it once for all runs
 * of a task, usually with the answer to the first claim.
 */
export class Plans {
  /** By task id. A promise resolves with undefined when the claim came back without the plan. */
  private readonly plans = new Map<number, Promise<TaskPlan | undefined>>();

  constructor(private readonly scheduler: SchedulerCalls) {}

  /**
   * Called before a claim is made. Undefined if the plan is kept or already on its way. Otherwise the claim has to ask
   * for the plan and pass the answer to the returned function; until then, all that need the plan wait.
   */
  comesWithClaim(taskId: number): ((plan: TaskPlan | undefined) => void) | undefined {
    if (this.plans.has(taskId)) return undefined;
    let come: (plan: TaskPlan | undefined) => void = () => undefined;
    const coming = new Promise<TaskPlan | undefined>((resolve) => {
      come = resolve;
    });
    this.keep(taskId, coming);
    return (plan) => {
      if (!plan && this.plans.get(taskId) === coming) this.plans.delete(taskId);
      come(plan);
    };
  }

  /** The plan; a call of its own fetches it if it did not come with a claim. @throws ServiceError as the operation. */
  async get(taskId: number, context: CallContext): Promise<TaskPlan> {
    for (;;) {
      const plan = await (this.plans.get(taskId) ?? this.fetch(taskId, context));
      if (plan) return plan;
    }
  }

  /**
   * Fetches the plan again: the kept one belongs to another task, whose id was reused after the scheduler's database
   * was restored.
   */
  getAgain(taskId: number, context: CallContext): Promise<TaskPlan> {
    this.plans.delete(taskId);
    return this.get(taskId, context);
  }

  private fetch(taskId: number, context: CallContext): Promise<TaskPlan> {
    const fetched = this.scheduler.call(execution.plan, { task_id: taskId }, context);
    this.keep(taskId, fetched);
    fetched.catch(() => {
      if (this.plans.get(taskId) === fetched) this.plans.delete(taskId);
    });
    return fetched;
  }

  private keep(taskId: number, plan: Promise<TaskPlan | undefined>): void {
    this.plans.set(taskId, plan);
    for (const oldest of this.plans.keys()) {
      if (this.plans.size <= KEPT) break;
      this.plans.delete(oldest);
    }
  }
}
