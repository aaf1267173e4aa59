import type { Clock } from '@rigel/clock';
import {
  type Capability,
  controlSubject,
  ExecutorControl,
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_SUBJECT,
} from '@rigel/contracts';
import type { Bus, TakeOptions } from '@rigel/messaging';
import type { Logger } from 'pino';
import { measureSlots } from '../metrics.js';
import type { ClaimedRun, StepRunner } from '../step-runner.js';
import { Plans } from './plans.js';
import { SchedulerCalls } from './scheduler-calls.js';
import { Slots } from './slots.js';
import { Worker } from './worker.js';

/** Where offered runs come from. It may lose offers, and may deliver others twice. */
export interface WorkSource {
  /** Takes offers until the signal is aborted. */
  consume(capability: Capability, options: TakeOptions): Promise<void>;
}

export interface AgentOptions {
  /** Name of this process, which no other process ever has. */
  executor: string;
  /** Proves to schedulers that a message comes from this executor; see `newExecutor` of the contracts. */
  key: string;
  capabilities: readonly Capability[];
  /** Most runs that the executor works on at once. */
  slots: number;
  bus: Bus;
  work: WorkSource;
  clock: Clock;
  createRunner: (capability: Capability, claimed: ClaimedRun, log: Logger) => StepRunner;
  log: Logger;
}

/** One executor: takes offers, works on them, and names its leases in a heartbeat every few seconds. */
export class Agent {
  private readonly stopTaking = new AbortController();
  private readonly slots: Slots;
  private readonly worker: Worker;
  private consuming: Promise<void>[] = [];
  private endHeartbeat: (() => void) | undefined;

  constructor(private readonly options: AgentOptions) {
    const { executor, key, capabilities, bus, clock, createRunner, log } = options;
    this.slots = new Slots(options.slots);
    measureSlots(this.slots, options.slots);
    const scheduler = new SchedulerCalls(bus);
    this.worker = new Worker({
      executor,
      key,
      capabilities: [...capabilities],
      scheduler,
      clock,
      plans: new Plans(scheduler),
      slots: this.slots,
      createRunner,
      log,
    });
  }

  start(): void {
    const { executor, key, capabilities, bus, work, clock } = this.options;
    bus.subscribe(controlSubject(executor), ExecutorControl, (control) => this.worker.control(control));
    this.endHeartbeat = clock.every(HEARTBEAT_INTERVAL_MS, () => {
      bus.publish(HEARTBEAT_SUBJECT, {
        executor,
        key,
        leases: this.worker.leases(),
        tasks: this.worker.tasks(),
        capabilities,
        free_slots: this.slots.free,
        waiting: this.worker.waiting(),
      });
    });
    this.consuming = capabilities.map((capability) =>
      work.consume(capability, {
        freeSlots: () => this.slots.free,
        slotFreed: () => this.slots.freed(),
        handler: (offer) => this.worker.take(offer),
        signal: this.stopTaking.signal,
      }),
    );
  }

  /** Takes no more work, lets all commands run on, and hands the runs back. */
  async stop(): Promise<void> {
    this.stopTaking.abort();
    this.slots.wake();
    await Promise.allSettled([this.worker.drain(), ...this.consuming]);
    this.endHeartbeat?.();
  }
}
