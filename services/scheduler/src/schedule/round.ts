import { type DependItem, ServiceError, show } from '@rigel/contracts';
import type { NewGate } from '../operations/new-tasks.js';
import type { PoolChange } from '../operations/record-pool-changes.js';

/*
 * What one occurrence of a scheduled task does to its pool and to those that it depends on, by way of others too. Pure.
 */

/** A pool that an occurrence changes. */
export interface PoolOfRound {
  pool: number;
  /** How many nodes it is to have. */
  target: number;
  /** What it depends on, without what is ignored. */
  dependencies: DependItem[];
}

/** The pools of a round, each after those that it depends on; one that several depend on has enough for each of them. */
export function roundOf(
  root: number,
  target: number,
  dependenciesOf: (pool: number) => readonly DependItem[],
): PoolOfRound[] {
  const round = new Map<number, PoolOfRound>();
  const entered = new Set<number>();
  const enter = (pool: number): void => {
    if (entered.has(pool)) return;
    entered.add(pool);
    const dependencies = dependenciesOf(pool).filter(({ ignore }) => !ignore);
    for (const { pool_id } of dependencies) enter(pool_id);
    round.set(pool, { pool, target: pool === root ? target : 0, dependencies });
  };
  enter(root);
  const pools = [...round.values()];
  // From the root on: what a pool needs is known when all that depend on it are.
  for (const { target: wanted, dependencies } of [...pools].reverse()) {
    for (const item of dependencies) {
      const other = round.get(item.pool_id);
      if (other) other.target = Math.max(other.target, targetFor(wanted, item));
    }
  }
  return pools;
}

/** How many nodes a pool has to have for so many of another one. */
export function targetFor(
  nodes: number,
  { ratio, elastic_count }: Pick<DependItem, 'ratio' | 'elastic_count'>,
): number {
  // 30 * 0.1 is a little more than 3 in binary, and must not come to 4.
  return Math.ceil(Number((nodes * ratio).toFixed(9))) + elastic_count;
}

/**
 * What the nodes of an operation wait for. New nodes, and new images, wait before their last step until those of the other
 * pools have passed the step that the item names; nodes that go wait before their first step until the others have gone.
 * A pool that has nothing to do, or is changed the other way round, keeps no other pool waiting.
 * @throws ServiceError `wrong_state` when the other pool's template has no such step any more.
 */
export function gateFor(
  { kind, task }: PoolChange,
  dependencies: readonly DependItem[],
  operations: ReadonlyMap<number, PoolChange>,
  limitMs: number,
): NewGate | undefined {
  const waitsFor = dependencies.flatMap(({ pool_id, step_name }): NewGate['waitsFor'] => {
    const other = operations.get(pool_id);
    if (other?.kind !== kind) return [];
    const stepName = kind === 'shrink' ? 'return_vm' : step_name;
    const step = other.task.steps.map(({ name }) => name).lastIndexOf(stepName);
    if (step < 0) {
      throw new ServiceError(
        'wrong_state',
        `the template to ${kind} pool ${show(other.pool.name)}, on which it depends, has no step ${show(stepName)}`,
      );
    }
    return [{ pool: pool_id, step, stepName }];
  });
  if (waitsFor.length === 0) return undefined;
  return { before: kind === 'shrink' ? 0 : task.steps.length - 1, limitMs, waitsFor };
}
