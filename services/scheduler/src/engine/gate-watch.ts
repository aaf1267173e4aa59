import type { Clock } from '@rigel/clock';
import { inventory } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Logger } from 'pino';
import type { TaskGate } from '../task/events.js';
import { describeTimeout, type GateProgress, judgeGate, overdueRuns, waitingRuns } from '../task/gate.js';
import type { TaskState } from '../task/state.js';
import type { TaskEngine } from './engine.js';
import type { EngineStore } from './ports.js';

/**
 * Looks how far the tasks are for which this replica's tasks wait, and records that these go on, or fail. Any replica may own the
 * others, so the watch reads their progress from the tables. It remembers nothing, so a replica that takes a task over goes on
 * with it.
 */
export class GateWatch {
  private ticking = false;

  constructor(
    private readonly options: {
      engine: Pick<TaskEngine, 'gated' | 'submit'>;
      store: Pick<EngineStore, 'progressOf'>;
      bus: Bus;
      clock: Clock;
      log: Logger;
    },
  ) {}

  /** Once a second. */
  async tick(): Promise<void> {
    if (this.ticking) return;
    this.ticking = true;
    try {
      const looks = await Promise.allSettled(this.options.engine.gated().map((task) => this.look(task)));
      for (const look of looks) {
        if (look.status === 'rejected')
          this.options.log.warn(
            { err: look.reason },
            'the scheduler could not look how far the pools are for which a task waits, and tries again',
          );
      }
    } finally {
      this.ticking = false;
    }
  }

  private async look({ id, created: { gate } }: TaskState): Promise<void> {
    const { engine, store } = this.options;
    if (!gate) return;
    const progress = await this.withoutRemovedNodes(gate, await store.progressOf(gate.waitsFor));
    const decision = judgeGate(gate, progress);
    if (decision.type === 'open') {
      await engine.submit(id, { do: 'openGate' }, null);
      return;
    }
    // Looked up again: the task may have gone on, or have left the memory, meanwhile.
    const task = engine.gated().find((one) => one.id === id);
    if (!task) return;
    if (decision.type === 'failed') {
      // Runs that come to the gate later get their own verdict: by then somebody may have resumed the others.
      const { reason } = decision;
      if (waitingRuns(task).length > 0)
        await engine.submit(id, { do: 'failGate', reason, overdue: false }, null);
    } else if (overdueRuns(task, this.options.clock.now()).length > 0) {
      const reason = describeTimeout(gate, progress);
      await engine.submit(id, { do: 'failGate', reason, overdue: true }, null);
    }
  }

  /** A failed node that somebody has removed from its pool keeps no other node waiting. */
  private async withoutRemovedNodes(gate: TaskGate, progress: GateProgress[]): Promise<GateProgress[]> {
    const pools = new Map(gate.waitsFor.map(({ task, pool }) => [task, pool.id]));
    return Promise.all(
      progress.map(async (one) => {
        if (one.failed.length === 0) return one;
        const context = { correlationId: `task-${one.task}`, actor: 'scheduler', partition: undefined };
        const ids = one.failed.map(({ node }) => node);
        const { targets } = await this.options.bus.call(inventory.targetsById, { ids }, context);
        const there = new Set(
          targets.flatMap(({ node_id, pool_id }) => (pool_id === pools.get(one.task) ? [node_id] : [])),
        );
        return { ...one, failed: one.failed.filter(({ node }) => there.has(node)) };
      }),
    );
  }
}
