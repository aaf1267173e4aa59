import { setTimeout as sleep } from 'node:timers/promises';
import {
  Capability,
  directOfferSubject,
  WORK_STREAM,
  WORK_SUBJECTS,
  WorkOffer,
  workSubject,
} from '@rigel/contracts';
import {
  AckPolicy,
  ErrorCode,
  type JetStreamManager,
  type JsMsg,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
} from 'nats';
import type { Logger } from 'pino';
import type { Bus } from './bus/bus.js';
import { assertMatches } from './wire/validation.js';

/** If an executor takes an offer and does not acknowledge it, JetStream gives it to another one after this time. */
const ACK_WAIT_MS = 30_000;
/** JetStream drops offers that are older: the scheduler repeated them long ago. */
const MAX_AGE_MS = 60 * 60_000;
/** Offers that wait for JetStream's acknowledgement at one time. */
const PUBLISH_WINDOW = 512;
const PUBLISH_TIMEOUT_MS = 5_000;
/** Pause between two attempts to reach the queue, and attempts between two log lines. */
const RETRY_MS = 500;
const LOG_EVERY = 20;

/** JetStream's error code for a missing stream. */
const STREAM_NOT_FOUND = 10_059;

/** JetStream's answer to a message that it should store. */
interface PubAck {
  error?: { code: number; err_code: number; description: string };
}

/** How an executor takes offers. */
export interface TakeOptions {
  /** How many more offers the executor can take now. */
  freeSlots: () => number;
  /** Resolves when a slot becomes free. */
  slotFreed: () => Promise<void>;
  handler: (offer: WorkOffer) => Promise<void>;
  signal: AbortSignal;
}

/**
 * The queue of offered node runs. It carries offers only: the scheduler repeats an offer that was lost here, even if
 * NATS loses its whole store. JetStream keeps offers while all executors are busy, and shows how much work waits. But
 * its disk may be full or its files gone. So the scheduler also publishes an offer directly to the executors if
 * JetStream refused it, or if it is a repeated one. If an offer arrives both ways, the scheduler refuses the second
 * claim.
 */
export class WorkQueue {
  private ready: Promise<void> | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly log: Logger,
    /** Number of NATS servers that keep each offer; used when this process makes the stream. */
    private readonly replicas = 1,
  ) {}

  /**
   * Makes the stream, and a consumer for each capability, if they are missing. Only schedulers call this, so the NATS
   * user of the executors needs no right to change streams.
   * @throws if JetStream does not answer, or has no room.
   */
  prepare(): Promise<void> {
    this.ready ??= this.makeStream().catch((error: unknown) => {
      this.ready = undefined;
      throw error;
    });
    return this.ready;
  }

  private async makeStream(): Promise<void> {
    const manager = await this.manager();
    const { replicas } = this;
    const found = await manager.streams.info(WORK_STREAM).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      // A cluster that is electing leaders does not know its streams.
      throw error;
    });
    if (!found) {
      await manager.streams.add({
        name: WORK_STREAM,
        subjects: [WORK_SUBJECTS],
        retention: RetentionPolicy.Workqueue,
        storage: StorageType.File,
        max_age: nanos(MAX_AGE_MS),
        num_replicas: replicas,
      });
      this.log.info({ stream: WORK_STREAM, replicas }, 'created the work stream');
    } else if (found.config.num_replicas !== replicas) {
      await manager.streams.update(WORK_STREAM, { num_replicas: replicas });
      this.log.info({ stream: WORK_STREAM, replicas }, 'changed the replicas of the work stream');
    }
    for (const { const: capability } of Capability.anyOf) await addConsumer(manager, capability);
  }

  /** Without the client's own check, which needs rights over the whole account. */
  private manager(): Promise<JetStreamManager> {
    return this.bus.nats.jetstreamManager({ checkAPI: false });
  }

  /**
   * Number of offers in JetStream that no executor has taken yet, by capability; without capabilities that have none.
   */
  async depth(): Promise<[capability: string, offers: number][]> {
    const manager = await this.manager();
    const { state } = await manager.streams.info(WORK_STREAM, { subjects_filter: WORK_SUBJECTS });
    return Object.entries(state.subjects ?? {}).map(([subject, offers]) => [
      subject.slice(subject.lastIndexOf('.') + 1),
      offers,
    ]);
  }

  /**
   * Offers runs to the executors of a capability.
   * @param repeated whether these runs were offered before and no executor has claimed them.
   */
  async offer(
    capability: Capability,
    offers: WorkOffer[],
    { repeated }: { repeated: boolean },
  ): Promise<void> {
    if (repeated) this.offerDirectly(capability, offers);
    try {
      await this.enqueue(capability, offers).catch((error: unknown) => {
        // No stream listens to the subject: NATS has lost it. Make it again.
        if (!(error instanceof NatsError) || error.code !== ErrorCode.NoResponders) throw error;
        this.ready = undefined;
        return this.enqueue(capability, offers);
      });
    } catch (error) {
      this.ready = undefined;
      this.log.warn(
        { err: error, capability, offers: offers.length },
        'JetStream does not store offers of node runs: they go directly to executors that are free',
      );
      if (!repeated) this.offerDirectly(capability, offers);
    }
  }

  private offerDirectly(capability: Capability, offers: WorkOffer[]): void {
    for (const offer of offers) this.bus.publish(directOfferSubject(capability), offer);
  }

  private async enqueue(capability: Capability, offers: WorkOffer[]): Promise<void> {
    const subject = workSubject(capability);
    await this.prepare();
    for (let start = 0; start < offers.length; start += PUBLISH_WINDOW) {
      const window = offers.slice(start, start + PUBLISH_WINDOW);
      await Promise.all(window.map((offer) => this.store(subject, offer)));
    }
  }

  /**
   * Publishes to JetStream. The client's own method makes an error with a stack trace for each message and discards it.
   */
  private async store(subject: string, offer: WorkOffer): Promise<void> {
    const answer = await this.bus.requests.send(
      subject,
      Buffer.from(JSON.stringify(offer)),
      PUBLISH_TIMEOUT_MS,
    );
    const { error } = JSON.parse(Buffer.from(answer).toString()) as PubAck;
    if (error) throw new Error(`JetStream refused an offer: ${error.description} (${error.err_code})`);
  }

  /**
   * Takes offers until the signal is aborted, never more at once than `freeSlots()`. The handler claims the run; when
   * it returns, the offer is acknowledged.
   */
  async consume(capability: Capability, options: TakeOptions): Promise<void> {
    const { signal } = options;
    const stopListening = this.bus.subscribe(
      directOfferSubject(capability),
      WorkOffer,
      (offer) => {
        if (options.freeSlots() <= 0) return;
        options.handler(offer).catch((error: unknown) => {
          this.log.warn({ err: error, run: offer.run_id }, 'handling an offer of a node run failed');
        });
      },
      { queue: 'executors' },
    );
    signal.addEventListener('abort', stopListening, { once: true });
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.pull(capability, options, () => {
          failures = 0;
        });
      } catch (error) {
        if (signal.aborted) return;
        if (failures++ % LOG_EVERY === 0) {
          this.log.warn(
            { err: error, capability },
            'JetStream does not deliver offers of node runs, trying again',
          );
        }
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async pull(capability: Capability, options: TakeOptions, answered: () => void): Promise<void> {
    const consumer = await this.bus.nats.jetstream().consumers.get(WORK_STREAM, capability);
    answered();
    while (!options.signal.aborted) {
      const free = options.freeSlots();
      if (free <= 0) {
        await options.slotFreed();
        continue;
      }
      const messages = await consumer.fetch({ max_messages: Math.min(free, 256), expires: 2_000 });
      const stop = (): void => void messages.close();
      options.signal.addEventListener('abort', stop, { once: true });
      try {
        for await (const message of messages) void this.take(message, options.handler);
      } finally {
        options.signal.removeEventListener('abort', stop);
      }
    }
  }

  private async take(message: JsMsg, handler: (offer: WorkOffer) => Promise<void>): Promise<void> {
    try {
      await handler(assertMatches(WorkOffer, message.json()));
      message.ack();
    } catch (error) {
      this.log.error({ err: error, subject: message.subject }, 'handling an offer of a node run failed');
      message.term();
    }
  }
}

/** Whether JetStream answered that the stream does not exist. */
function isMissing(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === STREAM_NOT_FOUND;
}

/** Adds the consumer of a capability. Repeating it changes nothing. */
async function addConsumer(manager: JetStreamManager, capability: Capability): Promise<void> {
  await manager.consumers.add(WORK_STREAM, {
    durable_name: capability,
    filter_subject: workSubject(capability),
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: 100_000,
  });
}
