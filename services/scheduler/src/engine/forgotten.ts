import type { Clock } from '@rigel/clock';
import type { ExecutorControl } from '@rigel/contracts';
import type { Logger } from 'pino';
import { FewLines } from './few-lines.js';

type LeaseOver = ExecutorControl['leases'][number];

/** Tasks that are remembered to have been looked up, or told of, at most. */
const REMEMBERED = 1_000;

/**
 * Work that this history does not have. Executors outlive a restore of the database: they may still work on tasks that came
 * after the backup, and the ids of those are given again. Each such task is logged once, and its executor lets go of it.
 */
export class Forgotten {
  /** Tasks that were found: those that ended are named for a moment by whoever has not heard of it yet. */
  private readonly found = new Set<number>();
  private readonly told = new Set<string>();
  private readonly asked = new Set<number>();
  private readonly lines: FewLines;

  constructor(
    private readonly options: {
      clock: Pick<Clock, 'now'>;
      existing: (ids: readonly number[]) => Promise<Set<number>>;
      release: (executor: string, leases: LeaseOver[]) => void;
      log: Logger;
    },
  ) {
    this.lines = new FewLines(options.clock, (more) =>
      options.log.error({ more }, 'executors work on more tasks which this history does not have'),
    );
  }

  /** Leases that an executor named, of tasks that are not in memory: if a task does not exist, its lease is over. */
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

  /** An executor works on a task that had this id, and was another one. */
  idReused(taskId: number, uuid: string, executor: string): void {
    this.tell(taskId, executor, `${taskId}/${uuid}`);
  }

  private tell(task: number, executor: string, key: string): void {
    if (this.told.has(key) || !this.lines.tells(key)) return;
    remember(this.told, key);
    this.options.log.error(
      { task, executor },
      `an executor works on a task ${task} which this history does not have: was the database restored from a backup? ` +
        'The executor lets go of it; its command on the node runs on to its end',
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
