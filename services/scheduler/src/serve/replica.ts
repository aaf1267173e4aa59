import type { Clock } from '@rigel/clock';
import { PARTITIONS_TAKEN_SUBJECT } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import type { Logger } from 'pino';
import { type EngineStore, type EngineWire, TaskEngine } from '../engine/engine.js';
import { GateWatch } from '../engine/gate-watch.js';
import type { CreateTaskSettings } from '../operations/create-tasks.js';
import type { TaskRecorder } from '../store/task-store.js';
import { Executors } from '../why/executors.js';
import type { WhyStore } from '../why/serve.js';
import { announcing, type Parts, servePartition, serveTasks } from './execution.js';

const TICK_MS = 1_000;
/** How often the table of tasks is looked into for active ones that nobody has announced. */
const ADOPT_MS = 2_000;

export interface ReplicaOptions {
  bus: Bus;
  operations: Operations;
  store: EngineStore & TaskRecorder;
  wire: EngineWire;
  clock: Clock;
  settings: CreateTaskSettings;
  log: Logger;
  /** What explanations of tasks need of the store; without it none are given. */
  why?: WhyStore;
  /** Reads how tasks are, for those who wait for their end; without it nobody can. */
  outcomes?: Parts['outcomes'];
  outputs?: Parts['outputs'];
}

/** One scheduler: takes commands for all tasks, and runs those of the partitions it owns. */
export class Replica {
  readonly engine: TaskEngine;
  /** For whoever makes tasks here. */
  readonly recorder: TaskRecorder;
  private readonly parts: Parts;
  private readonly gates: GateWatch;
  /** Ends the serving of each partition that is owned. */
  private readonly serving = new Map<number, () => Promise<void>>();
  private endings: (() => void)[] = [];

  constructor(private readonly options: ReplicaOptions) {
    const { bus, operations, store, wire, clock, settings, log, why, outcomes, outputs } = options;
    this.engine = new TaskEngine({ store, wire, clock, log });
    this.gates = new GateWatch({ engine: this.engine, store, bus, clock, log });
    const executors = new Executors();
    const { engine } = this;
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
    };
  }

  start(): void {
    const { clock, log } = this.options;
    serveTasks(this.parts);
    this.endings = [
      clock.every(TICK_MS, () => {
        this.engine
          .tick()
          .catch((error: unknown) => log.error({ err: error }, 'the clock of the engine failed'));
      }),
      clock.every(TICK_MS, () => {
        this.gates
          .tick()
          .catch((error: unknown) =>
            log.warn({ err: error }, 'it could not be looked how far other pools are, trying again'),
          );
      }),
      clock.every(ADOPT_MS, () => this.adopt()),
    ];
  }

  /**
   * Sets the partitions that this replica owns now.
   * @returns when nothing is served or recorded any more for those that it does not own.
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
      .catch((error: unknown) => log.warn({ err: error }, 'active tasks could not be read, trying again'));
  }
}
