import { ServiceError } from '@rigel/contracts';
import type { ClaimCommand, ExecutorCommand, PlaceCommand, ReportCommand } from './commands.js';
import { type Run, runAt, type TaskState } from './state.js';

/*
 * Why the task's rules refuse what an executor asks for. Such a refusal is an ordinary answer: a lease is over, another executor was
 * faster. So it is a value here, which the engine asks for first; decide.ts throws what is refused all the same. Pure.
 */

/** Why the command is refused as the task stands; undefined when it is not. */
export function whyRefused(task: TaskState, command: ExecutorCommand): string | undefined {
  switch (command.do) {
    case 'claim':
      return whyNotClaimed(task, runAt(task, command.run), command);
    case 'report':
      return whyNotReported(runAt(task, command.run), command);
    case 'place':
      return whyNotPlaced(task, runAt(task, command.run), command);
    case 'handBack':
      return undefined;
    default:
      return command satisfies never;
  }
}

export function whyNotClaimed(
  task: TaskState,
  run: Run,
  { executor, knowsPlaces = false }: ClaimCommand,
): string | undefined {
  if (run.phase === 'pending' || run.phase === 'ended')
    return `run ${run.id} of task ${task.id} needs no executor`;
  if (run.phase === 'gated') return `run ${run.id} of task ${task.id} waits for other pools`;
  if (run.holder !== null && run.holder !== executor) {
    return `executor ${run.holder} has the lease of run ${run.id} of task ${task.id}`;
  }
  if (run.folders && !knowsPlaces) {
    return `an attempt of run ${run.id} of task ${task.id} is in ${run.folders.join(', ')} of its node; ${executor} is of an earlier release and would not look there`;
  }
  return undefined;
}

/** Whether a report repeats one that is recorded already: its answer was lost. */
export function isRepeated(run: Run, report: ReportCommand): boolean {
  return (
    run.lease === report.lease &&
    (report.step < run.step || (report.step === run.step && report.attempt < run.attempt))
  );
}

export function whyNotReported(run: Run, command: ReportCommand): string | undefined {
  return isRepeated(run, command) ? undefined : whyNotCurrent(run, command);
}

export function whyNotPlaced(task: TaskState, run: Run, command: PlaceCommand): string | undefined {
  const notCurrent = whyNotCurrent(run, command);
  if (notCurrent !== undefined) return notCurrent;
  if (run.phase !== 'leased') return `run ${run.id} of task ${task.id} has ended`;
  // The executor that had the run before may come back after a restart of the node and begin the attempt at home, where it has no trace.
  if (run.takenOver) return 'another executor was told to begin the attempt before';
  const { placed } = run;
  const { folder, boot_id } = command.placement;
  if (!placed || (placed.folder === folder && placed.boot_id === boot_id)) return undefined;
  return `the attempt is recorded to be in ${placed.folder} already`;
}

/** What is said under a lease holds for the valid lease and the current attempt only. */
function whyNotCurrent(
  run: Run,
  command: { lease: number; step: number; attempt: number },
): string | undefined {
  if (run.lease !== command.lease || run.holder === null) {
    return whyOver(run, command.lease);
  }
  if (command.step !== run.step || command.attempt !== run.attempt) {
    return `run ${run.id} stands at step ${run.step} attempt ${run.attempt}, not ${command.step} ${command.attempt}`;
  }
  return undefined;
}

/** Output belongs to no command: only the lease decides. */
export function whyNoOutput(run: Run, lease: number): string | undefined {
  return run.holder === null || run.lease !== lease ? whyOver(run, lease) : undefined;
}

const whyOver = (run: Run, lease: number): string => `lease ${lease} of run ${run.id} is over`;

/** @throws ServiceError `wrong_state` when there is a reason to refuse. */
export function refuseIf(reason: string | undefined): void {
  if (reason !== undefined) throw new ServiceError('wrong_state', reason);
}
