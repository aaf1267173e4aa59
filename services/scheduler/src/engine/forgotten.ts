import { type Clock, LineLimit } from '@rigel/clock';
import type { ExecutorControl } from '@rigel/contracts';
import type { Logger } from 'pino';
import { ABOUT_EXECUTORS } from './log-limits.js';

type LeaseOver = ExecutorControl['leases'][number];

/** Tasks that were looked up, or are in the log, and are remembered: at most so many. */
const REMEMBERED = 1_000;

/**
 * Tasks that executors work on and that this history does not have. Executors outlive a restore of the database: they may still work on
 * tasks that were made after the backup, and the ids of those are given again. Each such task has one line in the log, and its
 * executor lets go of it.
 */
export class Forgotten {
  /** Tasks that exist. An executor names a task that has ended until it learns of the end. */
  private readonly found = new Set<number>();
  private readonly told = new Set<string>();
  private readonly asked = new Set<number>();
  private readonly limit: LineLimit;

  constructor(
    private readonly options: {
      clock: Pick<Clock, 'now'>;
      existing: (ids: readonly number[]) => Promise<Set<number>>;
      release: (executor: string, leases: LeaseOver[]) => void;
      log: Logger;
    },
  ) {
    this.limit = new LineLimit(options.clock, ABOUT_EXECUTORS);
  }

  /** An executor named these leases of tasks that are not in memory: if such a task does not exist, its lease is over. */
  async check(executor: string, leases: readonly LeaseOver[]): Promise<void> {
    const unsure = leases.filter(({ task_id }) => !this.found.has(task_id) && !this.asked.has(task_id));
    if (unsure.length === 0) return;
    const ids = [...new Set(unsure.map(({ task_id }) => task_id))];
    for (const id of ids) this.asked.add(id);
    try {
      const existing = await this.options.existing(ids);
      for (const id of existing) remember(this.found, id);
      const over = unsure.filter(({ task_id }) => !existing.has(task_id));
      for (const { task_id } of over) this.tell(task_id, executor, `${task_id}`);
      if (over.length > 0) this.options.release(executor, over);
    } finally {
      for (const id of ids) this.asked.delete(id);
    }
  }

  /** An executor works on a task that had this id before the database was restored. @param uuid of that task */
  idReused(taskId: number, uuid: string, executor: string): void {
    this.tell(taskId, executor, `${taskId}/${uuid}`);
  }

  private tell(task: number, executor: string, key: string): void {
    if (this.told.has(key)) return;
    const leftOut = this.limit.admit(key);
    if (leftOut === undefined) return;
    const { log } = this.options;
    if (leftOut > 0)
      log.error({ more: leftOut }, 'executors work on more tasks that this history does not have');
    remember(this.told, key);
    log.error(
      { task, executor },
      `executor ${executor} works on a task ${task} that this history does not have: was the database restored from a backup? ` +
        'The executor lets go of the task; its command on the node runs on to its end',
    );
  }
}

/** Adds to a set; the oldest are forgotten. */
function remember<T>(set: Set<T>, value: T): void {
  set.add(value);
  for (const oldest of set) {
    if (set.size <= REMEMBERED) break;
    set.delete(oldest);
  }
}
