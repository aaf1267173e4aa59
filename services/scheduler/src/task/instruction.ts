import type { Instruction, Placement } from '@rigel/contracts';
import { isOpen } from './phase.js';
import type { Run, TaskState } from './state.js';

/**
 * What the holder of a run's lease is to do next, as the task stands. Pure.
 * @param begun whether the current attempt may have been begun under an earlier lease.
 * @param outputFrom bytes of its output that are stored already.
 */
export function nextInstruction(
  task: TaskState,
  run: Run,
  now: number,
  { begun, outputFrom }: { begun: boolean; outputFrom: number },
): Instruction {
  if (run.phase === 'draining' && run.holder !== null) {
    const again = run.drain ? { again: true } : {};
    return { do: 'stop', step: run.step, attempt: run.attempt, ...foldersOf(run), ...again };
  }
  const step = task.created.steps[run.step];
  if (run.phase !== 'leased' || !step) return { do: 'release', why: whyReleased(task, run) };
  const delay = Math.max(0, run.retryAt - now);
  const startsAt = Math.max(run.since, run.retryAt);
  return {
    do: 'run',
    step: run.step,
    attempt: run.attempt,
    delay_ms: delay,
    timeout_ms: Math.max(0, startsAt + step.timeout_ms - Math.max(now, startsAt)),
    begun,
    output_from: outputFrom,
    ...(run.placed ? { placed: placementOf(run.placed) } : {}),
    ...foldersOf(run),
    ...(run.attempt > 1 ? { unsettled: run.leftover === true } : {}),
  };
}

function foldersOf({ folders }: Run): { folders?: string[] } {
  return folders ? { folders: [...folders] } : {};
}

function placementOf({ folder, boot_id, memory }: Placement): Placement {
  return { folder, boot_id, memory };
}

function whyReleased(task: TaskState, run: Run): string {
  if (run.phase === 'draining') return 'an executor looks at the node again later';
  if (run.verdict === 'succeeded') return 'done';
  if (run.verdict === 'failed') return 'failed';
  if (run.phase === 'gated') return 'it waits for other pools';
  if (isOpen(run)) return 'an executor with another capability goes on';
  return `the task is ${task.status}`;
}
