import type { Clock } from '@rigel/clock';
import { createInbox, ErrorCode, type Msg, type NatsConnection, NatsError } from 'nats';

/** A request that waits for its answer. */
interface Waiting {
  /** Makes the content of an answer; undefined: it is no answer to this request. */
  open: (data: Uint8Array) => Uint8Array | undefined;
  answered: (data: Uint8Array) => void;
  failed: (error: NatsError) => void;
  cancelTimeout: () => void;
  /** When its time is up, in milliseconds since 1970. */
  until: number;
}

/**
 * How long a request waits after the connection broke. It is less than the 5 s in which a client of the API gets its
 * refusal.
 */
const AFTER_LOSS_MS = 3_000;
/** Status of the server's own answer if no process listens to the subject. */
const NO_RESPONDERS = 503;

/**
 * Requests over one connection. All answers come to one inbox, under the number of their request. The NATS client's own
 * `request` does the same, but makes an error with a stack trace for each request and discards it when the answer
 * comes. That is a twentieth of the work of a busy process.
 */
export class Requests {
  private readonly inbox: string;
  private readonly waiting = new Map<string, Waiting>();
  private last = 0;
  private listening = false;

  constructor(
    private readonly nats: NatsConnection,
    private readonly clock: Clock,
    /** First words of the inbox. With permissions each user has its own. */
    prefix?: string,
  ) {
    this.inbox = `${createInbox(prefix)}.`;
  }

  /**
   * Sends a request and waits for the first answer.
   * @param timeoutMs how long to wait, in milliseconds.
   * @param open reads an answer. If it returns undefined, the message is ignored and the wait goes on.
   * @throws NatsError `NoResponders` if no process listens to the subject, so none has seen the request. With any other
   *   code (no answer in time, the connection is closed or closing) a process may have seen it.
   */
  async send(
    subject: string,
    data: Uint8Array,
    timeoutMs: number,
    open: Waiting['open'] = (answer) => answer,
  ): Promise<Uint8Array> {
    this.listen();
    const number = (++this.last).toString(36);
    const answer = new Promise<Uint8Array>((answered, failed) => {
      const waiting = { open, answered, failed, cancelTimeout: this.giveUpAfter(number, timeoutMs) };
      this.waiting.set(number, { ...waiting, until: this.clock.now() + timeoutMs });
    });
    try {
      this.nats.publish(subject, data, { reply: this.inbox + number });
    } catch (error) {
      this.take(number);
      throw error;
    }
    return answer;
  }

  /**
   * To be called when the connection has broken. Most requests that wait were answered over the broken connection, or
   * never sent; only a slow operation may still answer over the next connection. So every request waits for 3 s more at
   * most.
   */
  connectionLost(): void {
    const limit = this.clock.now() + AFTER_LOSS_MS;
    for (const [number, waiting] of this.waiting) {
      if (waiting.until <= limit) continue;
      waiting.cancelTimeout();
      waiting.until = limit;
      waiting.cancelTimeout = this.giveUpAfter(number, AFTER_LOSS_MS);
    }
  }

  private giveUpAfter(number: string, ms: number): () => void {
    return this.clock.after(ms, () => {
      this.take(number)?.failed(NatsError.errorForCode(ErrorCode.Timeout));
    });
  }

  /** Subscribes to the inbox, at the first request. */
  private listen(): void {
    if (this.listening) return;
    this.nats.subscribe(`${this.inbox}*`, {
      callback: (error, message) => {
        if (!error) {
          this.receive(message);
          return;
        }
        // The server refused the subscription, so no answer can come. The next request tries again.
        this.listening = false;
        this.failAll(error);
      },
    });
    this.listening = true;
    void this.nats
      .closed()
      .then((error) =>
        this.failAll(error instanceof NatsError ? error : NatsError.errorForCode(ErrorCode.ConnectionClosed)),
      );
  }

  private receive(message: Msg): void {
    // A late or repeated answer finds no request.
    const number = message.subject.slice(this.inbox.length);
    const waiting = this.waiting.get(number);
    if (!waiting) return;
    const { data } = message;
    if (data.length === 0 && message.headers?.code === NO_RESPONDERS) {
      this.take(number);
      waiting.failed(NatsError.errorForCode(ErrorCode.NoResponders));
      return;
    }
    const content = waiting.open(data);
    if (content === undefined) return;
    this.take(number);
    waiting.answered(content);
  }

  private take(number: string): Waiting | undefined {
    const waiting = this.waiting.get(number);
    if (!waiting) return undefined;
    this.waiting.delete(number);
    waiting.cancelTimeout();
    return waiting;
  }

  private failAll(error: NatsError): void {
    for (const number of [...this.waiting.keys()]) this.take(number)?.failed(error);
  }
}
