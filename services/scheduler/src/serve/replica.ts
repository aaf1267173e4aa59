import type { Clock } from '@rigel/clock';
import { PARTITIONS_TAKEN_SUBJECT } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import type { Logger } from 'pino';
import { TaskEngine } from '../engine/engine.js';
import { GateWatch } from '../engine/gate-watch.js';
import type { EngineStore, EngineWire } from '../engine/ports.js';
import type { CreateTaskSettings } from '../operations/create-tasks.js';
import type { TaskRecorder } from '../operations/task-recorder.js';
import { Executors } from '../why/executors.js';
import type { WhyStore } from '../why/serve.js';
import { announcing } from './announcements.js';
import { serveCommands } from './commands.js';
import { servePartition } from './partition.js';
import type { Parts } from './parts.js';

const TICK_MS = 1_000;
/** How often the replica looks into the table of tasks for active ones of which it heard no announcement. */
const ADOPT_MS = 2_000;

export interface ReplicaOptions {
  bus: Bus;
  operations: Operations;
  store: EngineStore & TaskRecorder;
  wire: EngineWire;
  clock: Clock;
  settings: CreateTaskSettings;
  log: Logger;
  /** What explanations of tasks need of the store; without it the replica gives none. */
  why?: WhyStore;
  /** Reads how tasks stand, for clients that wait for an end; without it the replica lets none wait. */
  outcomes?: Parts['outcomes'];
  outputs?: Parts['outputs'];
  /** What plans read; without it the replica makes none. */
  planning?: Parts['planning'];
}

/** One scheduler: takes commands for all tasks, and runs those of the partitions it owns. */
export class Replica {
  readonly engine: TaskEngine;
  /** The executors as their heartbeats describe them. */
  readonly executors = new Executors();
  /** Records new tasks, and lets their owners take them up at once. */
  readonly recorder: TaskRecorder;
  private readonly parts: Parts;
  private readonly gates: GateWatch;
  /** Ends the serving of each partition that is owned. */
  private readonly serving = new Map<number, () => Promise<void>>();
  private endings: (() => void)[] = [];

  constructor(private readonly options: ReplicaOptions) {
    const { bus, operations, store, wire, clock, settings, log, why, outcomes, outputs, planning } = options;
    this.engine = new TaskEngine({ store, wire, clock, log });
    this.gates = new GateWatch({ engine: this.engine, store, bus, clock, log });
    const { engine, executors } = this;
    this.recorder = announcing({ store, engine, bus, log });
    this.parts = {
      bus,
      operations,
      engine,
      store: this.recorder,
      settings,
      clock,
      log,
      executors,
      why,
      outcomes,
      outputs,
      planning,
    };
  }

  start(): void {
    const { clock, log } = this.options;
    serveCommands(this.parts);
    this.endings = [
      clock.every(TICK_MS, () => {
        this.engine
          .tick()
          .catch((error: unknown) => log.error({ err: error }, 'the tick of the engine failed'));
      }),
      clock.every(TICK_MS, () => {
        this.gates
          .tick()
          .catch((error: unknown) =>
            log.warn({ err: error }, 'the scheduler could not look how far other pools are, and tries again'),
          );
      }),
      clock.every(ADOPT_MS, () => this.adopt()),
    ];
  }

  /**
   * Sets the partitions that this replica owns now.
   * @returns when this replica serves and records nothing any more for the others.
   */
  async own(partitions: ReadonlySet<number>): Promise<void> {
    const given = [...this.serving].filter(([partition]) => !partitions.has(partition));
    for (const [partition] of given) this.serving.delete(partition);
    await Promise.all(given.map(([, stop]) => stop()));
    const settled = this.engine.own(partitions);
    const taken = [...partitions].filter((partition) => !this.serving.has(partition));
    for (const partition of taken) this.serving.set(partition, servePartition(partition, this.parts));
    if (taken.length > 0) this.options.bus.publish(PARTITIONS_TAKEN_SUBJECT, { partitions: taken });
    this.adopt();
    await settled;
  }

  stop(): void {
    for (const end of this.endings) end();
  }

  private adopt(): void {
    const { log } = this.options;
    this.engine
      .adopt()
      .catch((error: unknown) =>
        log.warn({ err: error }, 'the scheduler could not read the active tasks, and tries again'),
      );
  }
}
