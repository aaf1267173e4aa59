import { setTimeout as sleep } from 'node:timers/promises';
import {
  EventBatch,
  type EventOwner,
  eventsSubject,
  type PublishedEvent,
  readEvents,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import type { Logger } from 'pino';

const REPLAY_LIMIT = 500;
const RETRY_MS = 1_000;
/** Batches kept while an earlier one is handled; beyond it they are dropped and read again by replay. */
const MAX_WAITING = 100;

/** The promise's outcome, or the signal's reason as soon as it is aborted. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/**
 * Follows another service's history, each event exactly once and in order. The checkpoint is written in the
 * transaction of what was done, so neither a crash nor a repeated message does anything twice; a batch that does not
 * follow the checkpoint makes the consumer read from the owner's table instead, so it is right even when NATS lost
 * everything.
 */
export class EventConsumer {
  private readonly stopping = new AbortController();
  private readonly waiting: EventBatch[] = [];
  private wakeUp: () => void = () => undefined;
  private loop: Promise<void> | undefined;
  private unsubscribe: (() => void) | undefined;
  private checkpoint = -1;

  constructor(
    private readonly options: {
      /** Name of the checkpoint: one for each purpose in a service. */
      name: string;
      owner: EventOwner;
      db: Kysely<unknown>;
      bus: Bus;
      log: Logger;
      /** Does what the events mean, inside the transaction that moves the checkpoint. */
      handle: (trx: Transaction<unknown>, events: readonly PublishedEvent[]) => Promise<void>;
    },
  ) {}

  start(): void {
    const { bus, owner } = this.options;
    this.unsubscribe = bus.subscribe(eventsSubject(owner), EventBatch, (batch) => {
      if (this.waiting.length >= MAX_WAITING) this.waiting.shift();
      this.waiting.push(batch);
      this.wakeUp();
    });
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.unsubscribe?.();
    this.wakeUp();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { log, owner } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.wakeUp = resolve;
      });
      try {
        if (this.checkpoint < 0) {
          this.checkpoint = await this.readCheckpoint();
          await this.replay();
        }
        for (let batch = this.waiting.shift(); batch && !signal.aborted; batch = this.waiting.shift()) {
          await this.accept(batch);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.checkpoint = -1;
        log.warn({ err: error, owner }, 'following the events failed, trying again from the checkpoint');
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
        continue;
      }
      await woken;
    }
  }

  private async accept(batch: EventBatch): Promise<void> {
    const end = batch.events.at(-1)?.position ?? batch.after;
    if (end <= this.checkpoint) return;
    if (batch.after > this.checkpoint || batch.events.length === 0) {
      await this.replay();
      return;
    }
    await this.apply(batch.events.filter((event) => event.position > this.checkpoint));
  }

  /** Reads on from the checkpoint until nothing more is there. */
  private async replay(): Promise<void> {
    const { bus, owner } = this.options;
    while (!this.stopping.signal.aborted) {
      const answer = bus.call(
        readEvents(owner),
        { after: this.checkpoint, limit: REPLAY_LIMIT },
        { correlationId: `replay-${owner}`, actor: 'system' },
      );
      // An owner that is away keeps a caller waiting for seconds: too long for whoever wants to stop.
      const { events, head } = await unlessAborted(answer, this.stopping.signal);
      if (events.length > 0) await this.apply(events);
      if (this.checkpoint >= head || events.length === 0) return;
    }
  }

  private async apply(events: readonly PublishedEvent[]): Promise<void> {
    const { db, name, owner, handle } = this.options;
    const last = events.at(-1);
    if (!last) return;
    await db.transaction().execute(async (trx) => {
      // Names the old position: of two replicas that handle the same batch, one rolls back.
      const moved = await trx.executeQuery(
        CompiledQuery.raw(
          'UPDATE event_checkpoints SET position = $1 WHERE consumer = $2 AND owner = $3 AND position = $4',
          [last.position, name, owner, this.checkpoint],
        ),
      );
      if (moved.numAffectedRows !== 1n) throw new Error(`another replica has moved the checkpoint ${name}`);
      await handle(trx, events);
    });
    this.checkpoint = last.position;
  }

  private async readCheckpoint(): Promise<number> {
    const { db, name, owner } = this.options;
    await db.executeQuery(
      CompiledQuery.raw(
        'INSERT INTO event_checkpoints (consumer, owner, position) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING',
        [name, owner],
      ),
    );
    const result = await db.executeQuery<{ position: number }>(
      CompiledQuery.raw('SELECT position FROM event_checkpoints WHERE consumer = $1 AND owner = $2', [
        name,
        owner,
      ]),
    );
    return result.rows[0]?.position ?? 0;
  }
}
