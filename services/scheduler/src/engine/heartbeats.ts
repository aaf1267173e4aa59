import type { Clock } from '@rigel/clock';
import { type ExecutorControl, hasKey } from '@rigel/contracts';
import type { Logger } from 'pino';
import type { Dispatch } from './dispatch.js';
import type { Forgotten } from './forgotten.js';
import type { TaskCache } from './task-cache.js';

/** Renews the leases that heartbeats name, and tells the executors which of them are over. */
export class Heartbeats {
  constructor(
    private readonly options: {
      tasks: TaskCache;
      dispatch: Dispatch;
      forgotten: Forgotten;
      clock: Clock;
      log: Logger;
    },
  ) {}

  /**
   * @param executor the sender, which has shown the key of that name
   * @param named its leases: task id, run id, number of the lease
   * @param uuids the tasks that it means, by id and uuid; an executor of the release before may leave them out
   */
  receive(
    executor: string,
    named: readonly (readonly [number, number, number])[],
    uuids: readonly (readonly [number, string])[],
  ): void {
    const { tasks, dispatch, forgotten, clock, log } = this.options;
    const reused = this.reusedIds(executor, uuids);
    const meant = hasKey(executor) ? new Set(uuids.map(([id]) => id)) : undefined;
    const now = clock.now();
    const over: ExecutorControl['leases'] = [];
    const absent: ExecutorControl['leases'] = [];
    for (const [task_id, run_id, lease] of named) {
      const loaded = tasks.get(task_id);
      // A task that is not in memory has ended, or is another replica's, or is just being loaded, or never was.
      if (!loaded) {
        if (tasks.owns(task_id)) absent.push({ task_id, run_id, lease, why: 'lost' });
        continue;
      }
      if (meant && !meant.has(task_id)) continue;
      if (reused.has(task_id)) {
        over.push({ task_id, run_id, lease, why: 'lost' });
        continue;
      }
      const index = run_id - loaded.state.created.firstRunId;
      const run = loaded.state.runs[index];
      // Another replica gave a lease that is newer than any known here: this one stood still and does not know yet.
      if (!run || lease > run.lease) continue;
      const valid = dispatch.leases.renew(task_id, index, lease, executor, now);
      if (!valid) over.push({ task_id, run_id, lease, why: 'lost' });
      // Not the phase of the run: that may be decided and not committed yet.
      else if (loaded.draining.has(index)) over.push({ task_id, run_id, lease, why: 'stop' });
    }
    dispatch.tell(executor, over);
    forgotten
      .check(executor, absent)
      .catch((error: unknown) =>
        log.debug({ err: error }, 'the scheduler could not look up the tasks of a heartbeat'),
      );
  }

  /** Ids under which the executor means another task than the one in memory. */
  private reusedIds(executor: string, uuids: readonly (readonly [number, string])[]): Set<number> {
    const reused = new Set<number>();
    for (const [id, uuid] of uuids) {
      const loaded = this.options.tasks.get(id);
      if (!loaded || loaded.state.created.uuid === uuid) continue;
      reused.add(id);
      this.options.forgotten.idReused(id, uuid, executor);
    }
    return reused;
  }
}
