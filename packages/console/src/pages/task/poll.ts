import type { TaskInfo } from '@rigel/api-client';

/** How often parts of a task that no live topic tells of are read again, in milliseconds. */
export const pollOf = ({ state }: Pick<TaskInfo, 'state'>): number => (state === 1 ? 3_000 : 30_000);
