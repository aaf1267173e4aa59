import type { Clock } from '@rigel/clock';
import { createInbox, ErrorCode, type Msg, type NatsConnection, NatsError } from 'nats';

/** A request on its way. */
interface Waiting {
  /** What the answer holds; undefined: this is none. */
  open: (data: Uint8Array) => Uint8Array | undefined;
  answered: (data: Uint8Array) => void;
  failed: (error: NatsError) => void;
  callOffTimeout: () => void;
  /** When it is given up, in milliseconds since 1970. */
  until: number;
}

/** How long an answer may still come after the connection has broken; a client of the API waits 5 s for its refusal. */
const AFTER_LOSS_MS = 3_000;
/** What the server says in place of an answer when nobody listens to the subject. */
const NO_RESPONDERS = 503;

/**
 * Requests over one connection: all answers come to one inbox, under the number of their request. The client's own
 * `request` does the same, but makes an error with a stack trace for each request that was answered, and throws it away;
 * that is a twentieth of what a busy process does.
 */
export class Requests {
  private readonly inbox: string;
  private readonly waiting = new Map<string, Waiting>();
  private last = 0;
  private listening = false;

  constructor(
    private readonly nats: NatsConnection,
    private readonly clock: Clock,
    /** First words of the inbox: with permissions each user has some of its own. */
    prefix?: string,
  ) {
    this.inbox = `${createInbox(prefix)}.`;
  }

  /**
   * Sends a request and waits for the first answer.
   * @param timeoutMs how long to wait, in milliseconds.
   * @param open reads an answer; what it gives undefined for is none, and the true one is waited for
   * @throws NatsError `NoResponders` when nobody listens to the subject: nobody has seen the request. Any other code
   *   (no answer in time, the connection is closed or about to be) leaves open whether somebody has.
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
      const waiting = { open, answered, failed, callOffTimeout: this.giveUpAfter(number, timeoutMs) };
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
   * The connection has broken: what is waited for has most likely been answered into the void, or was never sent. Only the
   * answer to what takes long may still come, over the next connection; nothing is waited for longer than this.
   */
  connectionLost(): void {
    const limit = this.clock.now() + AFTER_LOSS_MS;
    for (const [number, waiting] of this.waiting) {
      if (waiting.until <= limit) continue;
      waiting.callOffTimeout();
      waiting.until = limit;
      waiting.callOffTimeout = this.giveUpAfter(number, AFTER_LOSS_MS);
    }
  }

  private giveUpAfter(number: string, ms: number): () => void {
    return this.clock.after(ms, () => {
      this.take(number)?.failed(NatsError.errorForCode(ErrorCode.Timeout));
    });
  }

  /** Listens for answers, from the first request on. */
  private listen(): void {
    if (this.listening) return;
    this.nats.subscribe(`${this.inbox}*`, {
      callback: (error, message) => {
        if (!error) {
          this.receive(message);
          return;
        }
        // The server has refused the subscription, so no answer can come; the next request tries again.
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
    // Late ones and repeated ones find nobody.
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
    waiting.callOffTimeout();
    return waiting;
  }

  private failAll(error: NatsError): void {
    for (const number of [...this.waiting.keys()]) this.take(number)?.failed(error);
  }
}
