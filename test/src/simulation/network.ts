import type { Msg, NatsConnection, NatsError, PublishOptions, Subscription, SubscriptionOptions } from 'nats';
import type { Random } from '../support/random.js';
import type { Host } from './host.js';
import type { Timeline } from './timeline.js';

interface Listener {
  host: Host;
  subject: string;
  queue: string | undefined;
  callback: (error: NatsError | null, message: Msg) => void;
}

/** Called when an answer leaves the process that gives it. */
export type OnReply = (subject: string, request: Uint8Array, reply: Uint8Array) => void;

/** A message on its way to those who listen. */
interface Post {
  subject: string;
  body: Uint8Array;
  /** Where its sender waits for an answer. */
  reply: string | undefined;
  /** The server's word that nobody listens to the subject of a request. */
  noResponders: boolean;
}

const decoder = new TextDecoder();
const EMPTY = new Uint8Array();

/**
 * NATS without JetStream, as its clients see it: messages take their time, overtake each other, get lost, come twice;
 * the server may be away, or out of reach for one of them. Half of what is sent meanwhile comes late (the client keeps
 * it until it is connected again), the rest never.
 */
export class Network {
  /** The server answers nobody until then. */
  downUntil = 0;
  /** Probability that a message is lost, and that it comes twice. */
  lossy = 0;
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(
    private readonly timeline: Timeline,
    private readonly random: Random,
    private readonly onReply: OnReply,
  ) {}

  /** The connection of one process: those parts of NatsConnection that a Bus uses. */
  connect(host: Host): NatsConnection {
    const connection = {
      info: { max_payload: 64 * 1_048_576 },
      isClosed: () => host.dead,
      closed: () => new Promise(() => undefined),
      publish: (subject: string, data: Uint8Array, options: PublishOptions = {}) => {
        this.send(host, withoutSeal(data), (body) =>
          this.deliver({ subject, body, reply: options.reply, noResponders: false }),
        );
      },
      subscribe: (subject: string, options: SubscriptionOptions) => this.subscribe(host, subject, options),
    };
    return connection as unknown as NatsConnection;
  }

  /** The server learns that a process is gone. */
  forget(host: Host): void {
    for (const listeners of this.listeners.values()) {
      for (const listener of listeners) if (listener.host === host) listeners.delete(listener);
    }
  }

  private subscribe(
    host: Host,
    subject: string,
    options: SubscriptionOptions,
  ): Pick<Subscription, 'unsubscribe' | 'drain'> {
    const { callback, queue } = options;
    if (!callback) throw new Error('only subscriptions with a callback are simulated');
    const listener: Listener = { host, subject, queue, callback };
    const listeners = this.listeners.get(subject) ?? new Set();
    this.listeners.set(subject, listeners);
    if (!host.dead) listeners.add(listener);
    return {
      unsubscribe: () => void listeners.delete(listener),
      drain: () =>
        host.ask({ there: this.delay(), back: this.delay() }, () => {
          listeners.delete(listener);
        }),
    };
  }

  /** To each group one member, and to all that are in none. */
  private deliver(post: Post): void {
    const receivers: Listener[] = [];
    const groups = new Map<string, Listener[]>();
    for (const listener of this.listenersTo(post.subject)) {
      if (listener.queue === undefined) receivers.push(listener);
      else groups.set(listener.queue, [...(groups.get(listener.queue) ?? []), listener]);
    }
    for (const members of groups.values()) receivers.push(this.random.pick(members));
    for (const listener of receivers) {
      this.toHost(listener.host, () => listener.callback(null, this.message(listener, post)));
    }
    if (receivers.length === 0 && post.reply !== undefined) {
      this.deliver({ subject: post.reply, body: EMPTY, reply: undefined, noResponders: true });
    }
  }

  /** Those who listen to the subject itself, or to all that differ from it in the last part. */
  private *listenersTo(subject: string): Iterable<Listener> {
    yield* this.listeners.get(subject) ?? [];
    yield* this.listeners.get(subject.replace(/[^.]*$/, '*')) ?? [];
  }

  private message({ host }: Listener, { subject, body, reply, noResponders }: Post): Msg {
    const message = {
      subject,
      data: body,
      reply,
      headers: noResponders ? { code: 503 } : undefined,
      string: () => decoder.decode(body),
      json: () => JSON.parse(decoder.decode(body)),
      respond: (answer: Uint8Array) => {
        if (reply === undefined || !host.mayAct()) return false;
        this.onReply(subject, body, answer);
        this.toServer(host, () =>
          this.deliver({ subject: reply, body: answer, reply: undefined, noResponders: false }),
        );
        return true;
      },
    };
    return message as unknown as Msg;
  }

  private send(host: Host, body: Uint8Array, arrive: (body: Uint8Array) => void): void {
    if (!host.mayAct()) return;
    this.toServer(host, () => arrive(body));
    if (this.random.chance(this.lossy)) this.toServer(host, () => arrive(body));
  }

  private toServer(host: Host, arrive: () => void): void {
    this.travel(host, undefined, arrive);
  }

  private toHost(host: Host, arrive: () => void): void {
    this.travel(host, host, arrive);
  }

  private travel(link: Host, receiver: Host | undefined, arrive: () => void): void {
    if (this.random.chance(this.lossy)) return;
    const delay = this.delay();
    const blockedUntil = Math.max(this.downUntil, link.offlineUntil);
    if (blockedUntil <= this.timeline.now) {
      this.timeline.schedule(delay, receiver, arrive);
    } else if (this.random.chance(0.5)) {
      this.timeline.schedule(blockedUntil - this.timeline.now + 250 + delay, receiver, arrive);
    }
  }

  private delay(): number {
    if (this.lossy > 0 && this.random.chance(0.02)) return this.random.integer(50, 3_000);
    return this.random.integer(0, 3);
  }
}

/** A request that does not ask for its answer to be sealed: answers are looked into as they leave. */
function withoutSeal(body: Uint8Array): Uint8Array {
  const text = decoder.decode(body);
  const asking = /^(\[?\{)"s":\{[^}]*\},/.exec(text);
  return asking ? Buffer.from(asking[1] + text.slice(asking[0].length)) : body;
}
