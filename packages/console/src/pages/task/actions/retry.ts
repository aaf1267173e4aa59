import { type TaskInfo, unwrap } from '@rigel/api-client';
import { api } from '../../../api/api.js';
import type { KeyOf } from '../../../text/words.js';
import type { RunFilter } from '../runs-table.js';
import { mayStart } from './may.js';
import type { actionWords } from './words.js';

/** The ids of all node runs that match. */
export async function runsThatMatch(id: number, filter: RunFilter): Promise<number[]> {
  const runs: number[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await unwrap(
      api.GET('/task/{id}/runs', {
        params: {
          path: { id },
          query: { ...filter, limit: 1_000, ...(cursor === undefined ? {} : { cursor }) },
        },
      }),
    );
    runs.push(...page.rows.map((run) => run.id));
    if (page.next === null) return runs;
    cursor = page.next;
  }
}

/** Why nodes of the task cannot be tried again now, as the key of the words; undefined: they can. */
export function noRetry(task: TaskInfo): KeyOf<typeof actionWords> | undefined {
  if (mayStart(task)) return undefined;
  if (task.state === 1) return 'retry.running';
  return task.end_reason === 'stopped' ? 'retry.stopped' : 'retry.over';
}
