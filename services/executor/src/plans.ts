import { execution, type TaskPlan } from '@rigel/contracts';
import type { CallContext } from '@rigel/messaging';
import type { SchedulerCalls } from './scheduler-calls.js';

/** Plans kept; the oldest is forgotten first, and fetched again when needed. */
const KEPT = 200;

/** The plans of tasks being worked on. A plan never changes, so it is fetched once for all of a task's runs. */
export class Plans {
  private readonly plans = new Map<number, Promise<TaskPlan>>();

  constructor(private readonly scheduler: SchedulerCalls) {}

  get(taskId: number, context: CallContext): Promise<TaskPlan> {
    const known = this.plans.get(taskId);
    if (known) return known;
    const fetched = this.scheduler.call(execution.plan, { task_id: taskId }, context);
    this.plans.set(taskId, fetched);
    fetched.catch(() => this.plans.delete(taskId));
    for (const oldest of this.plans.keys()) {
      if (this.plans.size <= KEPT) break;
      this.plans.delete(oldest);
    }
    return fetched;
  }

  /** The plan of a task of which another one was kept: the scheduler's database was restored, and the id given again. */
  getAnew(taskId: number, context: CallContext): Promise<TaskPlan> {
    this.plans.delete(taskId);
    return this.get(taskId, context);
  }
}
