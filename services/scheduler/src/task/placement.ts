import type { Placement } from '@rigel/contracts';
import { ServiceError } from '@rigel/contracts';
import type { TaskEvent } from './events.js';
import type { Run, TaskState } from './state.js';

/*
 * An attempt is begun outside of its node's home folder, which is full. In memory the trace of it does not outlast the node's
 * restart, so that the attempt is there is recorded before it begins, and it is begun by nobody but whoever recorded it (see
 * node-scripts/places.sh of remote-attempt). Pure.
 */

/** Where the current attempt of a run was begun. */
export interface Placed extends Placement {
  /** What the home folder could not take, and why. */
  why: string;
}

export interface PlaceCommand {
  type: 'place';
  run: number;
  lease: number;
  step: number;
  attempt: number;
  placement: Placement;
  why: string;
}

/**
 * Records where the attempt that the holder of the lease was told to begin begins.
 * @throws ServiceError `wrong_state` when it must not begin there.
 */
export function place(task: TaskState, run: Run, command: PlaceCommand): TaskEvent[] {
  const { lease, step, attempt, placement, why } = command;
  const refusal = (reason: string): ServiceError => new ServiceError('wrong_state', reason);
  if (run.lease !== lease || run.holder === null) throw refusal(`lease ${lease} of run ${run.id} is over`);
  if (step !== run.step || attempt !== run.attempt) {
    throw refusal(`run ${run.id} stands at step ${run.step} attempt ${run.attempt}, not ${step} ${attempt}`);
  }
  if (run.phase !== 'leased') throw refusal(`run ${run.id} of task ${task.id} has ended`);
  // Whoever had it before may come back after a restart of the node and begin it at home, where there is no trace of it.
  if (run.takenOver) throw refusal('another executor was told to begin the attempt before');
  if (run.placed) {
    const same = run.placed.folder === placement.folder && run.placed.boot_id === placement.boot_id;
    if (same) return [];
    throw refusal(`the attempt is recorded to be in ${run.placed.folder} already`);
  }
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
