import {
  GRID_EVENTS,
  type GridColumns,
  noSuch,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  show,
  type taskGrid,
} from '@rigel/contracts';
import type { Kysely } from 'kysely';
import { GRID_CHANGES, WHOLE_GRID, type WholeGrid } from '../store/sql/grid.js';
import { run } from '../store/sql/statement.js';

/**
 * A task's runs as columns, or what changed in them since a cursor, see `taskGrid`. Each is one statement, so that what it
 * tells is the state of one version.
 * @throws ServiceError `not_found`; `invalid` for a cursor that no grid gave.
 */
export async function readGrid(
  db: Kysely<unknown>,
  { id, after }: RpcRequest<typeof taskGrid>,
): Promise<RpcResponse<typeof taskGrid>> {
  if (after !== undefined) {
    const [row] = await run(db, GRID_CHANGES, { id, after: versionIn(after), most: GRID_EVENTS });
    if (!row) throw unknownTask(id);
    const { version, whole, changes, gate, retrying, draining } = row;
    if (!whole) {
      const changed = new Set(changes.map(([index]) => index));
      const marks = { gate, retrying, draining: draining.filter((index) => changed.has(index)) };
      return {
        version,
        cursor: String(version),
        changes: changes as RpcResponse<typeof taskGrid>['changes'],
        marks,
      };
    }
  }
  const [row] = await run(db, WHOLE_GRID, { id });
  if (!row) throw unknownTask(id);
  const { version, gate, retrying, draining } = row;
  return { version, cursor: String(version), whole: columnsOf(row), marks: { gate, retrying, draining } };
}

const unknownTask = (id: number): ServiceError => noSuch('task', id, `there is no task ${id}`);

function versionIn(cursor: string): number {
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor);
  throw new ServiceError(
    'other_list',
    `after ${show(cursor)} is no cursor of a grid: take the cursor of an earlier answer, or leave it out`,
    'after',
  );
}

function columnsOf(row: WholeGrid): GridColumns {
  const { batch_size, first_nsid, state, step, attempts } = row;
  return {
    first_nsid,
    ips: row.ips.split('\n'),
    node_ids: rangesOf(row.node_ids.split(',').map(Number)),
    state,
    step,
    attempts,
    batch: batchesOf(state.length, batch_size),
    changed: row.changed.split(',').map(Number),
  };
}

/** Numbers that follow each other, as `[first, count]`. */
export function rangesOf(numbers: readonly number[]): [first: number, count: number][] {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && last[0] + last[1] === number) last[1]++;
    else ranges.push([number, 1]);
  }
  return ranges;
}

/** Runs belong to batches in the order of their indexes: `[batch, count]`. */
function batchesOf(runs: number, size: number): [batch: number, count: number][] {
  return Array.from({ length: Math.ceil(runs / size) }, (_, batch) => [
    batch + 1,
    Math.min(size, runs - batch * size),
  ]);
}
