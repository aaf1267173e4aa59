/** The pool of a scheduled task, and the pools that it depends on. */
export interface PoolItems {
  pool: number;
  hasCron: boolean;
  dependsOn: number[];
}

/**
 * What is wrong with the dependencies of all scheduled tasks together, now that one of a pool was changed; undefined when
 * nothing is. A pool that another one depends on is changed with that, so it must have no times of its own; and no pool may
 * depend on itself by way of others. Pure.
 */
export function conflictOf(all: readonly PoolItems[], changed: number): string | undefined {
  const withCron = new Set(all.flatMap(({ pool, hasCron }) => (hasCron ? [pool] : [])));
  const dependsOn = new Map<number, Set<number>>();
  for (const { pool, dependsOn: others } of all) {
    const known = dependsOn.get(pool) ?? new Set();
    dependsOn.set(pool, new Set([...known, ...others]));
  }
  for (const [pool, others] of dependsOn) {
    if (withCron.has(changed) && others.has(changed)) {
      return `pool ${pool} depends on pool ${changed}, which therefore cannot have cron items of its own`;
    }
  }
  for (const other of dependsOn.get(changed) ?? []) {
    if (withCron.has(other)) return `pool ${other} has cron items of its own, so no pool can depend on it`;
  }
  const circle = circleFrom(changed, dependsOn);
  return circle && `pools depend on each other in a circle: ${circle.join(', ')}`;
}

/** Pools named in a refusal at most. */
const SHOWN = 3;

/**
 * Why a pool cannot be deleted; undefined when nothing stands against it. One whose own scheduled task has no items needs
 * nothing, and what is ignored counts: it may be set going again by a saving. Pure.
 */
export function needOf(pool: number, all: readonly PoolItems[]): string | undefined {
  const dependents = [...new Set(all.flatMap((one) => (one.dependsOn.includes(pool) ? [one.pool] : [])))];
  const [first, ...more] = dependents;
  if (first !== undefined && more.length === 0) return `the scheduled task of pool ${first} depends on it`;
  if (first !== undefined) {
    const shown = dependents.slice(0, SHOWN).join(', ');
    const rest = dependents.length > SHOWN ? ` and ${dependents.length - SHOWN} more` : '';
    return `the scheduled tasks of pools ${shown}${rest} depend on it`;
  }
  const own = all.some((one) => one.pool === pool && (one.hasCron || one.dependsOn.length > 0));
  return own ? 'its own scheduled task has items' : undefined;
}

/** The pools on a way from one back to itself. */
function circleFrom(
  start: number,
  dependsOn: ReadonlyMap<number, ReadonlySet<number>>,
): number[] | undefined {
  const seen = new Set<number>();
  const ways: number[][] = [[start]];
  for (let way = ways.pop(); way; way = ways.pop()) {
    for (const next of dependsOn.get(way.at(-1) ?? start) ?? []) {
      if (next === start) return [...way, start];
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}
