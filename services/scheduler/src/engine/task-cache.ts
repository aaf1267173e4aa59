import type { Clock } from '@rigel/clock';
import { partitionOf, ServiceError } from '@rigel/contracts';
import type { Logger } from 'pino';
import type { TaskState } from '../task/state.js';
import type { LoadedTask } from './loaded-task.js';
import { Offers } from './offers.js';
import type { EngineStore } from './ports.js';

/** Learns which tasks come into memory, and which leave it. */
export interface CacheListener {
  begin(loaded: LoadedTask): void;
  end(loaded: LoadedTask): void;
}

/**
 * The tasks in memory: of the partitions that this replica owns those that are active, and those that somebody has just asked for.
 */
export class TaskCache {
  private readonly tasks = new Map<number, LoadedTask>();
  private readonly loading = new Map<number, Promise<LoadedTask | undefined>>();
  /** Called when a task leaves the memory, by the task. */
  private readonly watchers = new Map<number, Set<() => void>>();
  private partitions: ReadonlySet<number> = new Set();

  constructor(
    private readonly options: {
      store: Pick<EngineStore, 'load' | 'hostKeys' | 'activeTasks'>;
      listener: CacheListener;
      clock: Clock;
      log: Logger;
    },
  ) {}

  get size(): number {
    return this.tasks.size;
  }

  /** All tasks in memory. One may be unloaded while they are walked through. */
  all(): Iterable<LoadedTask> {
    return this.tasks.values();
  }

  /** The task, if it is in memory. */
  get(taskId: number): LoadedTask | undefined {
    return this.tasks.get(taskId);
  }

  /** Sets the partitions that this replica owns now, and unloads the tasks of others. */
  own(partitions: ReadonlySet<number>): void {
    this.partitions = partitions;
    for (const id of this.tasks.keys()) if (!partitions.has(partitionOf(id))) this.unload(id);
  }

  /** Whether this replica owns the task's partition. */
  owns(taskId: number): boolean {
    return this.partitions.has(partitionOf(taskId));
  }

  /** Whether this replica owns the task, and the task is neither in memory nor being loaded. */
  lacks(taskId: number): boolean {
    return this.owns(taskId) && !this.tasks.has(taskId) && !this.loading.has(taskId);
  }

  /**
   * Loads the active tasks of the owned partitions that are not in memory yet: after a take-over, or new ones. Loads a task again
   * when the table has a later version of it: its last owner may have committed once more after this replica read it, and
   * nothing else would tell.
   */
  async adopt(): Promise<void> {
    const active = await this.options.store.activeTasks([...this.partitions]);
    for (const [id, version] of active) {
      const loaded = this.tasks.get(id);
      if (loaded && loaded.state.version >= version) continue;
      if (loaded) {
        this.options.log.warn(
          { task: id, version },
          'another replica has committed to the task: this one reads it again',
        );
        this.unload(id);
      }
      await this.load(id);
    }
  }

  /** Takes up a task as this replica has just recorded it; does nothing when another replica owns it. */
  async take(state: TaskState): Promise<void> {
    if (!this.lacks(state.id)) return;
    await this.loadOnce(state.id, async () => state);
  }

  /**
   * The task, folded from its events when it is not in memory. Undefined: it does not exist.
   * @throws ServiceError `unavailable` when another replica owns it.
   */
  async load(taskId: number): Promise<LoadedTask | undefined> {
    if (!this.owns(taskId)) {
      throw new ServiceError(
        'unavailable',
        `this scheduler does not own partition ${partitionOf(taskId)} of task ${taskId}`,
      );
    }
    return this.tasks.get(taskId) ?? this.loadOnce(taskId, () => this.options.store.load(taskId));
  }

  unload(taskId: number): void {
    const loaded = this.tasks.get(taskId);
    if (!loaded) return;
    this.tasks.delete(taskId);
    this.options.listener.end(loaded);
    for (const done of this.watchers.get(taskId) ?? []) done();
  }

  /**
   * Resolves when a task leaves the memory: it is over, or another replica's, or must be read again because a commit failed; or
   * after `timeoutMs`. At once when it is not in memory.
   */
  async untilGone(taskId: number, timeoutMs: number): Promise<void> {
    await this.loading.get(taskId)?.catch(() => undefined);
    if (!this.tasks.has(taskId)) return;
    await new Promise<void>((resolve) => {
      const watchers = this.watchers.get(taskId) ?? new Set();
      this.watchers.set(taskId, watchers);
      const done = (): void => {
        cancel();
        watchers.delete(done);
        if (watchers.size === 0) this.watchers.delete(taskId);
        resolve();
      };
      const cancel = this.options.clock.after(timeoutMs, done);
      watchers.add(done);
    });
  }

  /** Loads a task once, however many ask for it meanwhile. */
  private loadOnce(
    taskId: number,
    read: () => Promise<TaskState | undefined>,
  ): Promise<LoadedTask | undefined> {
    let loading = this.loading.get(taskId);
    if (!loading) {
      loading = this.begin(taskId, read).finally(() => this.loading.delete(taskId));
      this.loading.set(taskId, loading);
    }
    return loading;
  }

  private async begin(
    taskId: number,
    read: () => Promise<TaskState | undefined>,
  ): Promise<LoadedTask | undefined> {
    const state = await read();
    if (!state) return undefined;
    const hostKeys = await this.options.store.hostKeys(state);
    if (!this.owns(taskId)) {
      throw new ServiceError('unavailable', `this scheduler does not own task ${taskId} any more`);
    }
    const loaded: LoadedTask = {
      state,
      hostKeys,
      offers: new Offers(),
      draining: new Set(),
      looks: new Map(),
    };
    this.tasks.set(taskId, loaded);
    this.options.listener.begin(loaded);
    return loaded;
  }
}
