import type { RunState } from '@rigel/contracts';

/** A node that a schedule made, as far as it matters for the number of nodes. */
export interface CrontabNode {
  id: number;
  /** State of its last run, 0 before the first. */
  state: RunState;
  /**
   * Whether an unfinished task holds it: `running`, it will become free; `standing`, the task is paused or was never
   * started.
   */
  held: 'no' | 'running' | 'standing';
}

/** What brings a pool to a number of nodes. */
export type Plan =
  | { type: 'nothing' }
  /** New nodes, and nodes that go through the steps again. */
  | { type: 'expand'; missing: number; again: number[] }
  | { type: 'shrink'; nodes: number[] }
  /** Tasks work on the nodes that are to go. */
  | { type: 'wait'; nodes: number[] };

/** In which order nodes are given back: by the state of their last run; of the same state the oldest first. */
const GIVEN_BACK_FIRST: readonly RunState[] = [0, 3, 4, 1, 2];

/** Only these run again: the others are well, or a task works on them. */
const UNFINISHED: readonly RunState[] = [0, 3, 4];

/** What brings a pool to the target number of nodes made by schedules. Pure. */
export function planTarget(nodes: readonly CrontabNode[], target: number): Plan {
  const surplus = nodes.length - target;
  if (surplus > 0) return planShrink(nodes, surplus);
  const again = nodes.filter(({ held, state }) => held === 'no' && UNFINISHED.includes(state));
  if (surplus === 0 && again.length === 0) return { type: 'nothing' };
  return { type: 'expand', missing: -surplus, again: again.map(({ id }) => id) };
}

function planShrink(nodes: readonly CrontabNode[], surplus: number): Plan {
  // The task that holds a standing node may never end: other nodes go in its place.
  const chosen = nodes
    .filter(({ held }) => held !== 'standing')
    .sort((a, b) => rank(a) - rank(b) || a.id - b.id)
    .slice(0, surplus);
  const busy = chosen.filter(({ held }) => held === 'running');
  if (busy.length > 0) return { type: 'wait', nodes: busy.map(({ id }) => id) };
  if (chosen.length === 0) return { type: 'nothing' };
  return { type: 'shrink', nodes: chosen.map(({ id }) => id) };
}

function rank({ state }: CrontabNode): number {
  return GIVEN_BACK_FIRST.indexOf(state);
}
