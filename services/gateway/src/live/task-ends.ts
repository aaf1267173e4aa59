import { setTimeout as sleep } from 'node:timers/promises';
import { partitionOf, type RpcResponse, ServiceError, type Task, tasks } from '@rigel/contracts';
import type { Bus, CallContext } from '@rigel/messaging';
import { TokenIsOver } from '../failures.js';
import type { Client } from '../request/client.js';
import { Places } from './places.js';

/** The longest wait for one answer, so that the death of a scheduler is noticed. */
const PIECE_MS = 5_000;
const OVER = new Error('the gateway ends');
/** The pause before the next question, when a scheduler did not answer or has just given the task to another one. */
const PAUSE_MS = 200;

/**
 * Clients that wait for the end of a task. The scheduler that runs the task answers as soon as it is over, so a client
 * that waits costs two requests, however long the task takes.
 */
export class TaskEnds {
  /** The controllers that end the waits. */
  private readonly waiting = new Set<AbortController>();
  private readonly places: Places;
  private closed = false;

  constructor(
    private readonly options: {
      bus: Bus;
      /** Most clients that wait at once. */
      limit: number;
    },
  ) {
    this.places = new Places(options.limit, { full: 'clients wait already', held: 'requests that wait' });
  }

  /** The number of clients that wait. */
  get count(): number {
    return this.waiting.size;
  }

  /**
   * The task as soon as its run is over; or as it is after `ms`, or when this gateway ends before that.
   * @param gone is aborted when the client has gone away, or (with an error) may not have the answer any more.
   * @throws ServiceError `not_found`, `unavailable`
   * @throws GatewayIsFull
   * @throws TokenIsOver when `gone` was aborted with it.
   */
  async wait(
    id: number,
    ms: number,
    { context, client, gone }: { context: CallContext; client: Client; gone: AbortController },
  ): Promise<Task> {
    const giveBack = this.places.take(client);
    if (this.closed) gone.abort(OVER);
    this.waiting.add(gone);
    try {
      return await this.waitUntil(id, Date.now() + ms, context, gone.signal);
    } finally {
      giveBack();
      this.waiting.delete(gone);
    }
  }

  /** Answers all waiting requests with their tasks as they are. */
  close(): void {
    this.closed = true;
    for (const wait of this.waiting) wait.abort(OVER);
  }

  private async waitUntil(
    id: number,
    until: number,
    context: CallContext,
    signal: AbortSignal,
  ): Promise<Task> {
    while (!signal.aborted) {
      const begun = Date.now();
      const piece = Math.min(until - begun, PIECE_MS);
      if (piece <= 0) break;
      const answer = await unlessAborted(this.ask(id, piece, context), signal);
      if (answer?.over) return answer.task;
      if (Date.now() - begun < piece) await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
    if (signal.reason instanceof TokenIsOver) throw signal.reason;
    return this.options.bus.call(tasks.get, { id }, context);
  }

  /**
   * Undefined when no scheduler runs the task at this moment, which does not matter to a client that waits for its end.
   */
  private async ask(
    id: number,
    wait_ms: number,
    context: CallContext,
  ): Promise<RpcResponse<typeof tasks.awaitEnd> | undefined> {
    const where = { partition: partitionOf(id), timeoutMs: wait_ms + tasks.awaitEnd.timeoutMs };
    try {
      return await this.options.bus.call(tasks.awaitEnd, { id, wait_ms }, { ...context, ...where });
    } catch (error) {
      if (error instanceof ServiceError && error.code === 'unavailable') return undefined;
      throw error;
    }
  }
}

/** The result of the work, or undefined as soon as the signal is aborted. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  work.catch(() => undefined);
  let stop: () => void = () => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
