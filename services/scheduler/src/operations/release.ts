import type { Clock } from '@rigel/clock';
import { checkText, noSuch, ServiceError } from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import type { TaskRecorder } from './task-recorder.js';

/*
 * Nodes that stay held because a command of a run that has ended may still run there: let go on a person's word, or because
 * they leave their pool.
 */

const LONGEST_REASON = 500;
/** How the owner of a task's partition hears of it. */
export type RunControl = (
  taskId: number,
  command: { command: 'release' | 'nodeRemoved'; run: number; reason: string; opr_user: string },
  context: RequestContext,
) => Promise<unknown>;

/** What an operator gives as a reason, which may be nothing. @throws ServiceError `invalid` */
export function checkWords(text: string): string {
  const reason = checkText('reason', text).trim();
  const { length } = [...reason];
  if (length <= LONGEST_REASON) return reason;
  throw new ServiceError(
    'too_long',
    `reason must have at most ${LONGEST_REASON} characters, not ${length}`,
    'reason',
    { data: { limit: LONGEST_REASON, length } },
  );
}

/** The reason that an operator has to give. @throws ServiceError `invalid` */
function checkReason(text: string): string {
  const reason = checkWords(text);
  if (reason === '') {
    throw new ServiceError(
      'blank',
      'reason must not be empty: say how it is known that nothing of it runs on the node any more',
      'reason',
    );
  }
  return reason;
}

/** Releases the node of a run that has ended, on a person's word. @throws ServiceError */
export async function releaseNode(
  { id, reason, opr_user }: { id: number; reason: string; opr_user: string },
  context: RequestContext,
  { store, control }: { store: Pick<TaskRecorder, 'taskOfRun'>; control: RunControl },
): Promise<void> {
  const why = checkReason(reason);
  const task = await store.taskOfRun(id);
  if (task === undefined) throw noSuch('node_run', id, `there is no node run ${id}`);
  await control(task, { command: 'release', run: id, reason: why, opr_user }, context);
}

/**
 * Reserves nodes for a while because they are about to be removed from their pool. An ended task may still hold a node
 * because a command may run there; it releases such a node first, because a removed node belongs to no pool.
 * @throws ServiceError `in_use` naming nodes that an unfinished task holds; nothing was changed then.
 */
export async function reserveForRemoval(
  nodes: number[],
  ttlMs: number,
  context: RequestContext,
  {
    store,
    control,
    clock,
  }: { store: Pick<TaskRecorder, 'heldRuns' | 'reserveForRemoval'>; control: RunControl; clock: Clock },
): Promise<void> {
  const held = await store.heldRuns(nodes);
  // Where an unfinished task holds one of them the store refuses all, and says which task that is.
  for (const { task, run } of held.every(({ ended }) => ended) ? held : []) {
    await control(task, { command: 'nodeRemoved', run, reason: '', opr_user: context.actor }, context);
  }
  await store.reserveForRemoval(nodes, ttlMs, clock.now());
}
