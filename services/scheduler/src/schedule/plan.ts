import type { RunState } from '@rigel/contracts';

/** A node that a schedule made, as far as it matters for how many there shall be. */
export interface CrontabNode {
  id: number;
  /** State of its last run, 0 before the first. */
  state: RunState;
  /**
   * Whether an unfinished task holds it: `running`, it will be free by itself; `standing`, the task is paused or was never
   * started.
   */
  held: 'no' | 'running' | 'standing';
}

/** What brings a pool to a number of nodes. */
export type Plan =
  | { do: 'nothing' }
  /** New nodes, and nodes that go through the steps again. */
  | { do: 'expand'; missing: number; again: number[] }
  | { do: 'shrink'; nodes: number[] }
  /** Nodes that are to go are being worked on. */
  | { do: 'wait'; nodes: number[] };

/** In which order nodes are given back: by the state of their last run; of the same state the oldest first. */
const GIVEN_BACK_FIRST: readonly RunState[] = [0, 3, 4, 1, 2];

/** Only these are run again: the others are well, or being worked on. */
const UNFINISHED: readonly RunState[] = [0, 3, 4];

/** What is to be done so that a pool has as many nodes made by schedules as the target says. Pure. */
export function planTarget(nodes: readonly CrontabNode[], target: number): Plan {
  const surplus = nodes.length - target;
  if (surplus > 0) return planShrink(nodes, surplus);
  const again = nodes.filter(({ held, state }) => held === 'no' && UNFINISHED.includes(state));
  if (surplus === 0 && again.length === 0) return { do: 'nothing' };
  return { do: 'expand', missing: -surplus, again: again.map(({ id }) => id) };
}

function planShrink(nodes: readonly CrontabNode[], surplus: number): Plan {
  // What holds a standing one may never end: others go in its place.
  const chosen = nodes
    .filter(({ held }) => held !== 'standing')
    .sort((a, b) => rank(a) - rank(b) || a.id - b.id)
    .slice(0, surplus);
  const busy = chosen.filter(({ held }) => held === 'running');
  if (busy.length > 0) return { do: 'wait', nodes: busy.map(({ id }) => id) };
  if (chosen.length === 0) return { do: 'nothing' };
  return { do: 'shrink', nodes: chosen.map(({ id }) => id) };
}

function rank({ state }: CrontabNode): number {
  return GIVEN_BACK_FIRST.indexOf(state);
}
