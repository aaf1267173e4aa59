import { advance } from './advance.js';
import type { TaskCommand } from './commands.js';
import { decide } from './decide.js';
import type { TaskEvent } from './events.js';
import { evolve } from './evolve.js';
import type { TaskState } from './state.js';

/**
 * Carries out a command on a task: the facts it leads to, and those that the task then calls for by itself. The given
 * state is moved on to contain them.
 * @throws ServiceError when the command is refused; the state is then unchanged.
 */
export function handle(command: TaskCommand, task: TaskState, now: number): TaskEvent[] {
  const events = decide(command, task, now);
  for (const event of events) evolve(task, event, task.id, now);
  for (let more = advance(task); more.length > 0; more = advance(task)) {
    for (const event of more) evolve(task, event, task.id, now);
    events.push(...more);
  }
  return events;
}
