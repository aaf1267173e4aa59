import { type Clock, LineLimit, systemClock } from '@rigel/clock';
import {
  inboxPrefix,
  type OnceKey,
  type Rpc,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  show,
} from '@rigel/contracts';
import { ErrorCode, type Msg, type NatsConnection, NatsError } from 'nats';
import type { Logger } from 'pino';
import type { Static, TSchema } from 'typebox';
import { type BodyLimits, fetchBody, fitsInline, offerBody, roomOf } from './body.js';
import { type ConnectOptions, connectToNats } from './connection.js';
import {
  type BodyReference,
  isReplySubject,
  type ReplyEnvelope,
  type RequestEnvelope,
  readReply,
  readRequest,
} from './envelope.js';
import { checkJsonShape } from './json-scan.js';
import {
  Budget,
  MAX_ANSWER_BYTES,
  MAX_ANSWER_VALUES,
  MAX_DEPTH,
  MAX_REQUEST_BYTES,
  MAX_REQUEST_VALUES,
  MAX_REQUESTS,
  REQUESTS_IN_FLIGHT_BYTES,
} from './limits.js';
import { rpcDuration, rpcErrors } from './metrics.js';
import { Requests } from './requests.js';
import { AnswerOpener, AnswerSealer, type Question, type Seal } from './sealing.js';
import { SharedMessages } from './shared-messages.js';
import { traced, traceparent } from './tracing.js';
import { assertMatches } from './validation.js';

/** One line in this time about messages that were dropped. */
const DROPPED_LINE_MS = 10_000;

/** Who asks, and under which id the whole chain of calls can be found in logs and events. */
export interface CallContext {
  correlationId: string;
  actor: string;
  /** Address of the client outside for whom it is done; absent: the system acts by itself. */
  client?: string | undefined;
  /** For operations that only the owner of a partition answers. */
  partition?: number;
  /** Overrides the operation's own limit, in milliseconds. */
  timeoutMs?: number;
}

/** What a handler learns about a request beside its data. */
export interface RequestContext {
  correlationId: string;
  actor: string;
  /** Address of the client outside for whom it is done. */
  client?: string | undefined;
  /** The partition whose subject the request came on. */
  partition: number | undefined;
  /** The key under which it is asked for: what the request makes is to be made once. */
  once?: AskedOnce | undefined;
}

/** A key, and when it was asked under it, in milliseconds since 1970. */
export interface AskedOnce extends OnceKey {
  at: number;
}

export interface ServeOptions {
  /** Serve one partition's subject. */
  partition?: number;
  /** Members of a group share the requests; default: one group for each operation. */
  queue?: string;
  /** Requests worked on at once; more are answered `unavailable` at once instead of piling up in memory. */
  concurrency?: number;
}

/** An answer as it came, parsed, and the request that it was sealed for. */
interface Answered {
  content: unknown;
  question?: Question;
}

/** What a message of requests is answered. */
interface Replies {
  reply: ReplyEnvelope | ReplyEnvelope[];
  seal?: Seal | undefined;
}

const DEFAULT_CONCURRENCY = 1_000;
const RETRY_NO_RESPONDERS_MS = 100;
const DRAIN_MS = 1_000;

/** All that may stand in one message. */
const MESSAGE_SHAPE = { depth: MAX_DEPTH, values: MAX_REQUEST_VALUES, members: MAX_REQUESTS };
const PUBLISHED_SHAPE = { depth: MAX_DEPTH, values: MAX_REQUEST_VALUES };
const ANSWER: BodyLimits = { bytes: MAX_ANSWER_BYTES, values: MAX_ANSWER_VALUES };
const REQUEST: BodyLimits = {
  bytes: MAX_REQUEST_BYTES,
  values: MAX_REQUEST_VALUES,
  inFlight: new Budget(REQUESTS_IN_FLIGHT_BYTES),
};

const encode = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** @throws ServiceError `invalid` when it is no JSON. */
function decode(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'));
  } catch {
    throw new ServiceError('invalid', 'the message is no JSON');
  }
}

/** @throws ServiceError `unavailable` when it is no JSON: what became of the request is not known. */
function decodeAnswer(data: Uint8Array, subject: string): unknown {
  try {
    return decode(data);
  } catch {
    throw new ServiceError('unavailable', `what ${subject} answered is no answer`);
  }
}

function subjectOf(rpc: Rpc, partition: number | undefined): string {
  if (!rpc.subject.includes('{partition}')) return rpc.subject;
  if (partition === undefined) throw new Error(`${rpc.subject} needs a partition`);
  return rpc.subject.replace('{partition}', String(partition));
}

/**
 * Request/reply and publish/subscribe between services, in JSON, of any size. Nothing durable rests on it: a caller
 * that gets `unavailable` does not know whether the operation happened.
 */
export class Bus {
  private turn: Promise<void> | undefined;
  /** Requests whose answers are not envelopes of ours. */
  readonly requests: Requests;
  private readonly shared: SharedMessages<Answered>;
  /** Of requests whose answers come sealed. */
  private readonly sharedSealed: SharedMessages<Answered>;
  private opener: AnswerOpener | undefined;
  private sealer: AnswerSealer | undefined;
  private readonly droppedLines: LineLimit;

  private constructor(
    readonly nats: NatsConnection,
    private readonly log: Logger,
    private readonly clock: Clock,
    /** Whose subjects are its own; without permissions nobody asks. */
    private readonly participant = 'client',
  ) {
    this.requests = new Requests(nats, clock, inboxPrefix(participant));
    this.droppedLines = new LineLimit(clock, { lines: 1, everyMs: DROPPED_LINE_MS });
    const wire = { endOfTurn: () => this.endOfTurn(), room: () => roomOf(nats) };
    this.shared = new SharedMessages({ ...wire, send: (...message) => this.exchange(...message) });
    this.sharedSealed = new SharedMessages({
      ...wire,
      send: (...message) => this.exchangeSealed(...message),
    });
  }

  /** Over a connection that exists; its other end may be simulated. */
  static over(nats: NatsConnection, log: Logger, clock: Clock): Bus {
    return new Bus(nats, log, clock);
  }

  /** Connects, waiting for NATS as long as it takes, and from then on reconnects by itself. */
  static async connect(options: ConnectOptions): Promise<Bus> {
    const nats = await connectToNats(options);
    const bus = new Bus(nats, options.log, systemClock, options.participant);
    void bus.logStatus();
    return bus;
  }

  /**
   * Calls an operation and waits for its answer. While nobody serves it (a service is being started again) the call
   * is repeated until its time is up: an unanswered subject means that nobody has seen the request.
   * @throws ServiceError what the service answered, or `unavailable` when nobody did in time.
   */
  async call<R extends Rpc>(rpc: R, data: RpcRequest<R>, context: CallContext): Promise<RpcResponse<R>> {
    const subject = subjectOf(rpc, context.partition);
    const deadline = this.clock.now() + (context.timeoutMs ?? rpc.timeoutMs);
    const trace = traceparent();
    const head = {
      c: context.correlationId,
      a: context.actor,
      i: context.client,
      ...(trace === undefined ? {} : { t: trace }),
    };
    let envelope = JSON.stringify({ ...head, d: data } satisfies RequestEnvelope);
    if (Buffer.byteLength(envelope) > roomOf(this.nats)) {
      const ref = this.offer(encode(data), MAX_REQUEST_BYTES, 'request');
      envelope = JSON.stringify({ ...head, ref } satisfies RequestEnvelope);
    }
    for (;;) {
      const left = deadline - this.clock.now();
      if (left <= 0) throw new ServiceError('unavailable', `${rpc.subject} does not answer`);
      let reply: Answered;
      try {
        if (rpc.together) {
          reply = await (rpc.sealed ? this.sharedSealed : this.shared).send(subject, envelope, left);
        } else {
          await this.endOfTurn();
          reply = await (rpc.sealed
            ? this.exchangeSealed(subject, envelope, left)
            : this.exchange(subject, envelope, left));
        }
      } catch (error) {
        if (!(error instanceof NatsError)) throw error;
        if (error.code !== ErrorCode.NoResponders) {
          throw new ServiceError('unavailable', `${rpc.subject} does not answer (${error.code})`);
        }
        await this.clock.sleep(Math.min(RETRY_NO_RESPONDERS_MS, left));
        continue;
      }
      return await this.readReply<R>(reply, subject);
    }
  }

  private async exchange(subject: string, message: string, timeoutMs: number): Promise<Answered> {
    return {
      content: decodeAnswer(await this.requests.send(subject, Buffer.from(message), timeoutMs), subject),
    };
  }

  /** As `exchange`; what is not the answer of whoever was asked is looked past. */
  private async exchangeSealed(subject: string, message: string, timeoutMs: number): Promise<Answered> {
    this.opener ??= new AnswerOpener(
      once((where) =>
        this.log.warn(
          { subject: where },
          'an answer was not sealed for this process and is ignored: another client uses this NATS user, or a service of the earlier ' +
            'release answered (executors started before it can still take its answers)',
        ),
      ),
    );
    const question = this.opener.question(subject, message);
    const answer = await this.requests.send(subject, Buffer.from(question.message), timeoutMs, (data) =>
      question.open(data),
    );
    return { content: decodeAnswer(answer, subject), question };
  }

  /**
   * When the answers that arrived together have been handled. What they lead to is sent then, in one write to the socket:
   * one for each request costs more than all else about it.
   */
  private endOfTurn(): Promise<void> {
    this.turn ??= this.clock.endOfTurn().then(() => {
      this.turn = undefined;
    });
    return this.turn;
  }

  private async readReply<R extends Rpc>(
    { content, question }: Answered,
    subject: string,
  ): Promise<RpcResponse<R>> {
    const reply = readReply(content, subject);
    if (reply.error) throw new ServiceError(reply.error.code, reply.error.message, reply.error.field);
    if (!reply.ref) return reply.ok as RpcResponse<R>;
    // The operation was carried out: calling it again is not ours to decide.
    const lost = (why: string) =>
      new ServiceError('unavailable', `the answer of ${subject} could not be fetched (${why})`);
    try {
      const { ref } = reply;
      const open = question && ((body: Uint8Array) => question.open(body, ref.inbox));
      return decode(await fetchBody(this.nats, this.requests, ref, ANSWER, open)) as RpcResponse<R>;
    } catch (error) {
      if (error instanceof ServiceError) throw lost(error.message);
      if (!(error instanceof NatsError)) throw error;
      throw lost(error.code);
    }
  }

  /**
   * Keeps what is too large for a message for whoever fetches it.
   * @throws ServiceError `invalid` when nobody takes so much, `unavailable` when too much is kept already.
   */
  private offer(body: Buffer, limit: number, what: 'request' | 'answer', seal?: Seal): BodyReference {
    if (body.byteLength > limit)
      throw new ServiceError(
        'invalid',
        `the ${what} is too large: ${body.byteLength} bytes, at most ${limit} can be sent`,
      );
    const content = seal ? (inbox: string) => seal(body, inbox) : body;
    return offerBody(this.nats, this.participant, content, this.log);
  }

  /**
   * Answers an operation. Requests that do not match its schema are refused before the handler sees them; an error
   * other than a ServiceError is a fault of ours: logged here, and answered without its details.
   * @returns a function that takes no more requests. It resolves when those that NATS had sent here already have reached
   *   the handler: dropped, each would keep its caller waiting until it gives up.
   */
  serve<R extends Rpc>(
    rpc: R,
    handler: (data: RpcRequest<R>, context: RequestContext) => Promise<RpcResponse<R>>,
    options: ServeOptions = {},
  ): () => Promise<void> {
    const subject = subjectOf(rpc, options.partition);
    const limit = options.concurrency ?? DEFAULT_CONCURRENCY;
    let running = 0;
    const handle = async (received: unknown): Promise<unknown> => {
      if (running >= limit) throw new ServiceError('unavailable', 'too many requests at once');
      running++;
      try {
        const request = readRequest(received);
        const raw = request.ref ? await this.fetchRequest(request.ref) : request.d;
        const data = assertMatches(rpc.request, raw) as RpcRequest<R>;
        const context = {
          correlationId: request.c,
          actor: request.a,
          client: request.i,
          partition: options.partition,
        };
        // Only what belongs to a trace: heartbeats, probes and the like would each make one of their own.
        if (request.t === undefined) return await handler(data, context);
        const span = {
          parent: request.t,
          kind: 'server' as const,
          attributes: { 'rpc.system': 'nats', 'rigel.correlation_id': request.c },
        };
        return await traced(rpc.subject, span, () => handler(data, context));
      } finally {
        running--;
      }
    };
    const operation = { operation: rpc.subject };
    const answer = async (request: unknown): Promise<ReplyEnvelope> => {
      const begun = performance.now();
      try {
        return { ok: await handle(request) };
      } catch (failure) {
        const reply = this.toErrorReply(failure, subject);
        rpcErrors.inc({ operation: rpc.subject, code: reply.error.code });
        return reply;
      } finally {
        rpcDuration.observe(operation, (performance.now() - begun) / 1_000);
      }
    };
    const answerAll = async ({ data }: Msg): Promise<Replies> => {
      // Before anything is made of it: more requests than any sender sends are refused all together, by one answer.
      checkJsonShape(data, MESSAGE_SHAPE);
      const content = decode(data);
      const first: unknown = Array.isArray(content) ? content[0] : content;
      const seal = rpc.sealed
        ? this.sealFor(subject, (first as { s?: unknown } | null | undefined)?.s)
        : undefined;
      const reply = await (Array.isArray(content) ? Promise.all(content.map(answer)) : answer(content));
      return { reply, seal };
    };
    const answerMessage = async (message: Msg): Promise<void> => {
      // The answer is published there, by our rights: anywhere else it would be a message that its sender may not send.
      if (!isReplySubject(message.reply)) {
        this.warnOfDropped(
          { subject, reply: show(message.reply ?? '') },
          'a request was dropped: its answer is wanted elsewhere than in an inbox',
        );
        return;
      }
      const replies = await answerAll(message).catch((failure: unknown) => ({
        reply: this.toErrorReply(failure, subject),
      }));
      // A commit answers many at once: together they are one write, not one for each few.
      await this.endOfTurn();
      this.respond(message, replies);
    };
    const subscription = this.nats.subscribe(subject, {
      queue: options.queue ?? 'service',
      callback: (error, message) => {
        if (error) this.log.error({ err: error, subject }, 'the subscription of an operation failed');
        else
          answerMessage(message).catch((failure: unknown) =>
            this.log.error({ err: failure, subject }, 'an answer could not be sent'),
          );
      },
    });
    return async () => {
      // A connection that is down or closed brings nothing more.
      await Promise.race([subscription.drain().catch(() => undefined), this.clock.sleep(DRAIN_MS)]);
    };
  }

  private async fetchRequest(reference: BodyReference): Promise<unknown> {
    try {
      return decode(await fetchBody(this.nats, this.requests, reference, REQUEST));
    } catch (error) {
      if (!(error instanceof NatsError)) throw error;
      throw new ServiceError('unavailable', `the request could not be fetched (${error.code})`);
    }
  }

  private toErrorReply(failure: unknown, subject: string): Required<Pick<ReplyEnvelope, 'error'>> {
    if (failure instanceof ServiceError) {
      return {
        error: {
          code: failure.code,
          message: failure.message,
          ...(failure.field === undefined ? {} : { field: failure.field }),
        },
      };
    }
    this.log.error({ err: failure, subject }, 'an operation failed unexpectedly');
    return { error: { code: 'internal', message: 'internal error' } };
  }

  private sealFor(subject: string, asked: unknown): Seal | undefined {
    if (asked === undefined) return undefined;
    this.sealer ??= new AnswerSealer();
    return this.sealer.for(subject, asked);
  }

  private respond(message: Msg, { reply, seal }: Replies): void {
    let body = encode(reply);
    if (!fitsInline(this.nats, body)) {
      body = encode(
        Array.isArray(reply) ? reply.map((one) => this.elsewhere(one, seal)) : this.elsewhere(reply, seal),
      );
    }
    message.respond(seal ? seal(body) : body);
  }

  /** In place of an answer that is too large where to fetch it. */
  private elsewhere(reply: ReplyEnvelope, seal: Seal | undefined): ReplyEnvelope {
    if (reply.error) return reply;
    try {
      return { ref: this.offer(encode(reply.ok), MAX_ANSWER_BYTES, 'answer', seal) };
    } catch (failure) {
      return this.toErrorReply(failure, 'an answer');
    }
  }

  /** Tells whoever listens; nobody may. False when the message is too large to be sent that way. */
  publish(subject: string, data: unknown): boolean {
    const body = encode(data);
    if (!fitsInline(this.nats, body)) return false;
    this.nats.publish(subject, body);
    return true;
  }

  /** Listens to published messages; ones that do not match the schema are logged and dropped. */
  subscribe<S extends TSchema>(
    subject: string,
    schema: S,
    handler: (data: Static<S>) => void,
    options: {
      /** Members of a group share the messages; without it everybody gets each. */
      queue?: string;
    } = {},
  ): () => void {
    const subscription = this.nats.subscribe(subject, {
      ...options,
      callback: (error, message) => {
        try {
          if (error) throw error;
          checkJsonShape(message.data, PUBLISHED_SHAPE);
          handler(assertMatches(schema, decode(message.data)));
        } catch (failure) {
          if (failure instanceof ServiceError)
            this.warnOfDropped({ subject, reason: failure.message }, 'a published message was dropped');
          else this.log.error({ err: failure, subject }, 'a published message could not be handled');
        }
      },
    });
    return () => subscription.unsubscribe();
  }

  /** Anybody on the bus can cause these lines at will. */
  private warnOfDropped(fields: Record<string, unknown>, message: string): void {
    const leftOut = this.droppedLines.admit('dropped');
    if (leftOut !== undefined) this.log.warn({ ...fields, left_out: leftOut }, message);
  }

  /** Whether the connection stands right now. */
  async isConnected(): Promise<boolean> {
    if (this.nats.isClosed()) return false;
    return Promise.race([
      this.nats.flush().then(
        () => true,
        () => false,
      ),
      this.clock.sleep(1_000).then(() => false),
    ]);
  }

  /** Finishes what is under way and closes the connection. */
  async close(): Promise<void> {
    if (this.nats.isClosed()) return;
    await Promise.race([this.nats.drain().catch(() => undefined), this.clock.sleep(2_000)]);
    await this.nats.close();
  }

  private async logStatus(): Promise<void> {
    for await (const status of this.nats.status()) {
      if (status.type === 'disconnect') {
        this.requests.connectionLost();
        this.log.warn({ server: status.data }, 'NATS is gone, connecting again');
      }
      if (status.type === 'reconnect') this.log.info({ server: status.data }, 'NATS is back');
      else if (status.type === 'error') this.log.error({ error: status.data }, 'NATS reports an error');
    }
  }
}

/** Says it the first time only. */
function once(say: (what: string) => void): (what: string) => void {
  let said = false;
  return (what) => {
    if (!said) say(what);
    said = true;
  };
}
