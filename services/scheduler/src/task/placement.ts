import type { Placement } from '@rigel/contracts';
import type { PlaceCommand } from './commands.js';
import type { TaskEvent } from './events.js';
import { refuseIf, whyNotPlaced } from './refusals.js';
import type { Placed, Run, TaskState } from './state.js';

/*
 * An attempt begins outside of its node's home folder, which is full. In memory the trace of the attempt does not outlast a restart of
 * the node. So the executor records the place before it begins the attempt, and no other executor begins it (see
 * node-scripts/places.sh of remote-attempt). Pure.
 */

/**
 * Records where the holder of the lease is about to begin its attempt.
 * @throws ServiceError `wrong_state` when it must not begin there.
 */
export function place(task: TaskState, run: Run, command: PlaceCommand): TaskEvent[] {
  const { step, attempt, placement, why } = command;
  refuseIf(whyNotPlaced(task, run, command));
  if (run.placed) return [];
  return [{ type: 'AttemptPlaced', data: { run: run.index, step, attempt, ...placed(placement), why } }];
}

function placed({ folder, boot_id, memory }: Placement) {
  return { folder, bootId: boot_id, memory };
}

/** Where an attempt runs and why, in words. */
export function describePlaced({ folder, memory, why }: Pick<Placed, 'folder' | 'memory' | 'why'>): string {
  const where = memory ? `from the node's memory (${folder})` : `from ${folder} on the node`;
  return `it runs ${where}, because the home folder there is full: ${why}`;
}
