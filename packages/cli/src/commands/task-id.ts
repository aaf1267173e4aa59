import { type TaskInfo, unwrap } from '@rigel/api-client';
import { readId } from '../api/names.js';
import type { Invocation } from '../command/invocation.js';

/** The argument of commands about one task. */
export const taskId = [{ name: 'task', kind: 'task' }] as const;

export const numberOf = ([text = '']: readonly string[]): number => readId('task', text);

export const readTask = async ({ api }: Invocation, id: number): Promise<TaskInfo> =>
  (await unwrap(api().GET('/task/{id}', { params: { path: { id } } }))) as TaskInfo;
