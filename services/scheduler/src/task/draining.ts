import type { AttemptResult } from '@rigel/contracts';
import { ServiceError } from '@rigel/contracts';
import type { ReportCommand } from './commands.js';
import type { TaskEvent } from './events.js';
import { isOpen } from './phase.js';
import type { Run, TaskState } from './state.js';

/*
 * Runs that have ended for the outside while their command may still run on the node: the node stays held until an executor has seen
 * that nothing is left, or a person says so. Pure.
 */

/** First and longest pause between two looks at a node on which an executor could not end a command. */
const LOOK_FIRST_MS = 30_000;
const LOOK_LONGEST_MS = 5 * 60_000;
/** The reason that executors of the first release report after a stop in vain: they have no field for it. */
const IN_VAIN = 'the command could not be ended and may still run';

/** Whether something of the run may be alive on its node after this outcome. */
export function mayStillRun(run: Run, result: AttemptResult): boolean {
  if (result.status === 'succeeded') return false;
  if (result.may_run !== undefined) return result.may_run;
  if (result.status === 'stopped' && result.reason.startsWith(IN_VAIN)) return true;
  // An attempt that did not begin has not ended the one before it.
  return run.leftover === true && result.exit_code === undefined && run.phase !== 'draining';
}

/** The executor releases a run whose command it could not end; an executor looks again later. */
export function heldBack(run: Run, { lease, result }: ReportCommand, now: number): TaskEvent {
  const tries = run.drain?.tries ?? 0;
  const pause = Math.min(LOOK_LONGEST_MS, LOOK_FIRST_MS * 2 ** Math.min(tries, 10));
  const reason = result.reason || IN_VAIN;
  return {
    type: 'RunHandedBack',
    data: { run: run.index, lease, idle: false, stillRuns: { reason, lookAt: now + pause } },
  };
}

/** A person's word that nothing of the run is alive any more. @throws ServiceError `wrong_state` */
export function release(
  task: TaskState,
  run: Run,
  { operator, reason }: { operator: string; reason: string },
): TaskEvent[] {
  if (run.phase === 'draining') {
    return [{ type: 'NodeReleased', data: { run: run.index, node: run.node, ip: run.ip, operator, reason } }];
  }
  throw new ServiceError(
    'nothing_to_release',
    `run ${run.id} of task ${task.id} is ${describeRun(run)}: no executor is ending a command of it, so there is nothing to release`,
    'nsid',
    { value: run.id, data: { task: task.id } },
  );
}

function describeRun(run: Run): string {
  const { verdict, begun } = run;
  if (verdict !== null) return { succeeded: 'done', failed: 'failed', stopped: 'stopped' }[verdict];
  if (!isOpen(run)) return 'not begun';
  return begun ? 'at work (stop the task to end it)' : 'waiting for its turn';
}
