import { type TaskInfo, unwrap } from '@rigel/api-client';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';

/** Why a task waits, has failed or ended so, as the API tells it. */
export function useWhy(task: TaskInfo) {
  return useLiveQuery({
    key: ['task', task.id, 'why'],
    read: () => unwrap(api.GET('/task/{id}/why', { params: { path: { id: task.id } } })),
    pollMs: task.state === 1 ? 3_000 : 30_000,
  });
}

export type Why = ReturnType<typeof useWhy>;
