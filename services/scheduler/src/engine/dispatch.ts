import type { Clock } from '@rigel/clock';
import { type Capability, type ExecutorControl, LEASE_TTL_MS } from '@rigel/contracts';
import type { Logger } from 'pino';
import type { TaskEvent } from '../task/events.js';
import { touchedRuns } from '../task/projection.js';
import { needsExecutor, type Run, runAt, type TaskState } from '../task/state.js';
import { Leases } from './leases.js';
import type { LoadedTask } from './loaded-task.js';
import type { EngineWire } from './ports.js';
import type { CacheListener } from './task-cache.js';

/** Leases named in one message to an executor at most. */
const CONTROL_CHUNK = 500;

/**
 * Brings the runs of the tasks in memory to the executors: keeps leases and offers in step with what is committed, and tells executors
 * which commands to end.
 */
export class Dispatch implements CacheListener {
  readonly leases = new Leases(LEASE_TTL_MS);

  constructor(private readonly options: { wire: EngineWire; clock: Clock; log: Logger }) {}

  /** A task has come into memory. */
  begin(loaded: LoadedTask): void {
    const now = this.options.clock.now();
    for (const run of loaded.state.runs) this.track(loaded, run, now);
    this.makeOffers(loaded, loaded.offers.fresh(now));
  }

  /** A task has left the memory. */
  end({ state }: LoadedTask): void {
    for (const run of state.runs) this.leases.end(state.id, run.index);
  }

  /** These events of a task have been committed; its state contains them. */
  follow(loaded: LoadedTask, events: readonly TaskEvent[], now: number): void {
    const { state: task } = loaded;
    const stops = new Map<string, ExecutorControl['leases']>();
    for (const event of events) {
      const touched = touchedRuns(task, event);
      const runs = touched === 'all' ? task.runs : touched.map((index) => runAt(task, index));
      for (const run of runs) {
        this.track(loaded, run, now);
        if (run.phase === 'draining' && run.holder !== null && event.type !== 'RunClaimed') {
          const lease = { task_id: task.id, run_id: run.id, lease: run.lease, why: 'stop' as const };
          stops.set(run.holder, [...(stops.get(run.holder) ?? []), lease]);
        }
      }
    }
    for (const [executor, leases] of stops) this.tell(executor, leases);
    this.makeOffers(loaded, loaded.offers.fresh(now));
  }

  /** Makes the offers of a task that are due by time: nodes to be looked at again, and offers that no executor has claimed. */
  repeat(loaded: LoadedTask, now: number): void {
    if (loaded.looks.size > 0) this.lookAgain(loaded, now);
    this.makeOffers(loaded, loaded.offers.repeated(now), true);
  }

  /** Tells an executor which of its leases are over, and the commands of which it is to end. */
  tell(executor: string, leases: ExecutorControl['leases']): void {
    for (let start = 0; start < leases.length; start += CONTROL_CHUNK) {
      this.options.wire.control(executor, { leases: leases.slice(start, start + CONTROL_CHUNK) });
    }
  }

  /** Brings leases, offers and draining of a run in line with its state. */
  private track(loaded: LoadedTask, run: Run, now: number): void {
    const { state, offers, draining, looks } = loaded;
    if (run.holder !== null) this.leases.grant(state.id, run.index, run.lease, run.holder, now);
    else this.leases.end(state.id, run.index);
    looks.delete(run.index);
    if (!needsExecutor(run)) offers.remove(run.index);
    else if (run.drain && run.drain.lookAt > now) {
      offers.remove(run.index);
      looks.set(run.index, run.drain.lookAt);
    } else offers.add(run.index, capabilityFor(state, run));
    if (run.phase === 'draining') draining.add(run.index);
    else draining.delete(run.index);
  }

  /** Offers the runs whose nodes an executor is to look at again now. */
  private lookAgain(loaded: LoadedTask, now: number): void {
    for (const [run, at] of loaded.looks) if (at <= now) this.track(loaded, runAt(loaded.state, run), now);
    this.makeOffers(loaded, loaded.offers.fresh(now));
  }

  private makeOffers(loaded: LoadedTask, due: Map<Capability, number[]>, repeated = false): void {
    const { state } = loaded;
    for (const [capability, runs] of due) {
      const offers = runs.map((index) => ({ task_id: state.id, run_id: runAt(state, index).id }));
      this.options.wire.offer(capability, offers, { repeated }).catch((error: unknown) => {
        this.options.log.warn(
          { err: error, task: state.id, runs: runs.length },
          'the scheduler could not offer node runs to executors and tries again',
        );
        loaded.offers.retry(runs, this.options.clock.now());
      });
    }
  }
}

function capabilityFor(task: TaskState, run: Run): Capability {
  const step = task.created.steps[run.step];
  if (!step) throw new Error(`run ${run.id} of task ${task.id} has no step to go on with`);
  return step.capability;
}
