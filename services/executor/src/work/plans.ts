import { execution, type TaskPlan } from '@rigel/contracts';
import type { CallContext } from '@rigel/messaging';
import type { SchedulerCalls } from './scheduler-calls.js';

/** Plans kept; the oldest is forgotten first, and comes again when needed. */
const KEPT = 200;

/**
 * The plans of tasks being worked on. A plan never changes, so it comes once for all of a task's runs: with the answer to the
 * first claim of one, as a rule.
 */
export class Plans {
  /** Undefined is what has not come with its claim. */
  private readonly plans = new Map<number, Promise<TaskPlan | undefined>>();

  constructor(private readonly scheduler: SchedulerCalls) {}

  /**
   * For a claim, before it is made: undefined where the plan is kept or on its way. Else the claim has to ask for it, and to hand over
   * here what has come; whoever needs the plan waits for that.
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

  /** The plan, which is asked for by itself where it did not come with a claim. @throws ServiceError as the operation. */
  async get(taskId: number, context: CallContext): Promise<TaskPlan> {
    for (;;) {
      const plan = await (this.plans.get(taskId) ?? this.fetch(taskId, context));
      if (plan) return plan;
    }
  }

  /** The plan of a task of which another one was kept: the scheduler's database was restored, and the id given again. */
  getAnew(taskId: number, context: CallContext): Promise<TaskPlan> {
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
