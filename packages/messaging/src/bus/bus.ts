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
import { Requests } from '../requests/requests.js';
import { SharedMessages } from '../requests/shared-messages.js';
import { type BodyLimits, fetchBody, fitsInline, offerBody, roomOf } from '../wire/body.js';
import {
  type BodyReference,
  isReplySubject,
  type ReplyEnvelope,
  type RequestEnvelope,
  readReply,
  readRequest,
} from '../wire/envelope.js';
import { checkJsonShape } from '../wire/json-scan.js';
import {
  Budget,
  MAX_ANSWER_BYTES,
  MAX_ANSWER_VALUES,
  MAX_DEPTH,
  MAX_REQUEST_BYTES,
  MAX_REQUEST_VALUES,
  MAX_REQUESTS,
  REQUESTS_IN_FLIGHT_BYTES,
} from '../wire/limits.js';
import { AnswerOpener, AnswerSealer, type Question, type Seal } from '../wire/sealing.js';
import { assertMatches } from '../wire/validation.js';
import { type ConnectOptions, connectToNats } from './connection.js';
import { rpcDuration, rpcErrors } from './metrics.js';
import { traced, traceparent } from './tracing.js';

/** One line in this time about messages that were dropped. */
const DROPPED_LINE_MS = 10_000;

/** Who calls. The correlation id finds the whole chain of calls in logs and events. */
export interface CallContext {
  correlationId: string;
  actor: string;
  /** Address of the API's client on whose behalf the call is made; absent: the system acts for itself. */
  client?: string | undefined;
  /** The partition, for operations that only its owner answers. */
  partition?: number;
  /** Overrides the operation's own time limit, in milliseconds. */
  timeoutMs?: number;
}

/** What a handler gets beside the data of a request. */
export interface RequestContext {
  correlationId: string;
  actor: string;
  /** Address of the API's client on whose behalf the request is made. */
  client?: string | undefined;
  /** The partition whose subject the request came on. */
  partition: number | undefined;
  /** The key of the request. The handler must do its work once for each key. */
  once?: AskedOnce | undefined;
}

/** A key, and when the request with it arrived, in milliseconds since 1970. */
export interface AskedOnce extends OnceKey {
  at: number;
}

export interface ServeOptions {
  /** Serve one partition's subject. */
  partition?: number;
  /** Name of the queue group, whose members share the requests; default: one group for each operation. */
  queue?: string;
  /** Requests that are handled at one time. Further ones get `unavailable` at once and do not pile up in memory. */
  concurrency?: number;
}

/** A parsed answer, and the request that it was sealed for. */
interface Answered {
  content: unknown;
  question?: Question;
}

/** The answer to a message of requests. */
interface Replies {
  reply: ReplyEnvelope | ReplyEnvelope[];
  seal?: Seal | undefined;
}

const DEFAULT_CONCURRENCY = 1_000;
const RETRY_NO_RESPONDERS_MS = 100;
const DRAIN_MS = 1_000;

/** Limits of one message. */
const MESSAGE_SHAPE = { depth: MAX_DEPTH, values: MAX_REQUEST_VALUES, members: MAX_REQUESTS };
const PUBLISHED_SHAPE = { depth: MAX_DEPTH, values: MAX_REQUEST_VALUES };
const ANSWER: BodyLimits = { bytes: MAX_ANSWER_BYTES, values: MAX_ANSWER_VALUES };
const REQUEST: BodyLimits = {
  bytes: MAX_REQUEST_BYTES,
  values: MAX_REQUEST_VALUES,
  inFlight: new Budget(REQUESTS_IN_FLIGHT_BYTES),
};

const encode = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** @throws ServiceError `invalid` if the data are no JSON. */
function decode(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'));
  } catch {
    throw new ServiceError('invalid', 'the message must be JSON');
  }
}

/** @throws ServiceError `unavailable` if the data are no JSON. The outcome of the request is unknown then. */
function decodeAnswer(data: Uint8Array, subject: string): unknown {
  try {
    return decode(data);
  } catch {
    throw new ServiceError('unavailable', `the answer of ${subject} cannot be read`);
  }
}

function subjectOf(rpc: Rpc, partition: number | undefined): string {
  if (!rpc.subject.includes('{partition}')) return rpc.subject;
  if (partition === undefined) throw new Error(`${rpc.subject} needs a partition`);
  return rpc.subject.replace('{partition}', String(partition));
}

/**
 * Request/reply and publish/subscribe between services, in JSON, of any size. No promise rests on it: after
 * `unavailable` a caller does not know whether the operation was carried out.
 */
export class Bus {
  private turn: Promise<void> | undefined;
  /** For requests to NATS itself, whose answers have no envelope. */
  readonly requests: Requests;
  private readonly shared: SharedMessages<Answered>;
  /** For requests with sealed answers. */
  private readonly sharedSealed: SharedMessages<Answered>;
  private opener: AnswerOpener | undefined;
  private sealer: AnswerSealer | undefined;
  private readonly droppedLines: LineLimit;

  private constructor(
    readonly nats: NatsConnection,
    private readonly log: Logger,
    private readonly clock: Clock,
    /** The participant whose subjects this process owns. A server without permissions takes any name. */
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

  /** A bus over an existing connection, which may be simulated. */
  static over(nats: NatsConnection, log: Logger, clock: Clock): Bus {
    return new Bus(nats, log, clock);
  }

  /** Connects to NATS, however long it takes. From then on the connection is restored whenever it breaks. */
  static async connect(options: ConnectOptions): Promise<Bus> {
    const nats = await connectToNats(options);
    const bus = new Bus(nats, options.log, systemClock, options.participant);
    void bus.logStatus();
    return bus;
  }

  /**
   * Calls an operation and waits for its answer. While no process serves the subject (a service is restarting), the bus
   * repeats the call until its time is up: no process has seen the request then.
   * @throws ServiceError the service's refusal, or `unavailable` if no answer came in time.
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

  /** As `exchange`, but ignores every message that is not sealed for this request. */
  private async exchangeSealed(subject: string, message: string, timeoutMs: number): Promise<Answered> {
    this.opener ??= new AnswerOpener(
      once((where) =>
        this.log.warn(
          { subject: where },
          'ignored an answer that is not sealed for this process: another client uses the NATS user of this service, or a service of an ' +
            'earlier release answered. If such a service is still running, upgrade it',
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
   * Resolves when all answers that arrived together have been handled. The requests that follow from them then leave in
   * one write to the socket: a write for each request would cost more than all else about it.
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
    if (reply.error) {
      const { code, message, field, reason = code, value, data } = reply.error;
      throw new ServiceError(reason, message, field, { value, data });
    }
    if (!reply.ref) return reply.ok as RpcResponse<R>;
    // The operation was carried out. Only the caller can decide whether to call again.
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
   * Keeps a body that is too large for a message until its receiver fetches it.
   * @throws ServiceError `invalid` if the body exceeds the limit, `unavailable` if this process keeps too many bytes
   *   already.
   */
  private offer(body: Buffer, limit: number, what: 'request' | 'answer', seal?: Seal): BodyReference {
    if (body.byteLength > limit)
      throw new ServiceError(
        'invalid',
        `the ${what} is too large: ${body.byteLength} bytes, at most ${limit} are allowed`,
      );
    const content = seal ? (inbox: string) => seal(body, inbox) : body;
    return offerBody(this.nats, this.participant, content, this.log);
  }

  /**
   * Serves an operation. The bus refuses requests that do not match the schema; the handler never sees them. An error
   * other than a ServiceError is a fault in Rigel: the bus logs it and answers without its details.
   * @returns a function that ends serving. It resolves when the requests that NATS had already sent here have reached
   *   the handler. If they were dropped, their callers would wait until their time is up.
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
        // Only requests of a traced caller: each heartbeat and each probe would begin a trace.
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
      // Before parsing. One answer refuses the whole message if it has more requests than any sender sends.
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
      // This process publishes the answer with its own rights: to any other subject it would be a message that the
      // sender may not send.
      if (!isReplySubject(message.reply)) {
        this.warnOfDropped(
          { subject, reply: show(message.reply ?? '') },
          'dropped a request: the subject for its answer is no inbox',
        );
        return;
      }
      const replies = await answerAll(message).catch((failure: unknown) => ({
        reply: this.toErrorReply(failure, subject),
      }));
      // A commit answers many requests at once: their answers leave in one write.
      await this.endOfTurn();
      this.respond(message, replies);
    };
    const subscription = this.nats.subscribe(subject, {
      queue: options.queue ?? 'service',
      callback: (error, message) => {
        if (error) this.log.error({ err: error, subject }, 'the subscription of an operation failed');
        else
          answerMessage(message).catch((failure: unknown) =>
            this.log.error({ err: failure, subject }, 'sending an answer failed'),
          );
      },
    });
    return async () => {
      // A broken or closed connection delivers nothing more, and draining it may not end.
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
      const { code, message, field, reason, facts } = failure;
      return {
        error: {
          code,
          message,
          ...(field === undefined ? {} : { field }),
          ...(reason === code && Object.keys(facts).length === 0 ? {} : { reason, ...facts }),
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

  /** Replaces an answer that is too large by a reference from which to fetch it. */
  private elsewhere(reply: ReplyEnvelope, seal: Seal | undefined): ReplyEnvelope {
    if (reply.error) return reply;
    try {
      return { ref: this.offer(encode(reply.ok), MAX_ANSWER_BYTES, 'answer', seal) };
    } catch (failure) {
      return this.toErrorReply(failure, 'an answer');
    }
  }

  /** Publishes a message to all subscribers, if there are any. @returns false if the message is too large. */
  publish(subject: string, data: unknown): boolean {
    const body = encode(data);
    if (!fitsInline(this.nats, body)) return false;
    this.nats.publish(subject, body);
    return true;
  }

  /** Subscribes to published messages. The bus logs and drops messages that do not match the schema. */
  subscribe<S extends TSchema>(
    subject: string,
    schema: S,
    handler: (data: Static<S>) => void,
    options: {
      /** Name of the queue group, whose members share the messages; absent: every subscriber gets every message. */
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
            this.warnOfDropped({ subject, reason: failure.message }, 'dropped a published message');
          else this.log.error({ err: failure, subject }, 'handling a published message failed');
        }
      },
    });
    return () => subscription.unsubscribe();
  }

  /** Any client of the bus can cause these lines at will. */
  private warnOfDropped(fields: Record<string, unknown>, message: string): void {
    const leftOut = this.droppedLines.admit('dropped');
    if (leftOut !== undefined) this.log.warn({ ...fields, left_out: leftOut }, message);
  }

  /** Whether the connection works now. */
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

  /** Lets running requests finish, for 2 s at most, and closes the connection. */
  async close(): Promise<void> {
    if (this.nats.isClosed()) return;
    await Promise.race([this.nats.drain().catch(() => undefined), this.clock.sleep(2_000)]);
    await this.nats.close();
  }

  private async logStatus(): Promise<void> {
    for await (const status of this.nats.status()) {
      if (status.type === 'disconnect') {
        this.requests.connectionLost();
        this.log.warn({ server: status.data }, 'the connection to NATS broke, connecting again');
      }
      if (status.type === 'reconnect') this.log.info({ server: status.data }, 'connected to NATS again');
      else if (status.type === 'error') this.log.error({ error: status.data }, 'NATS reports an error');
    }
  }
}

/** Calls `say` the first time only. */
function once(say: (what: string) => void): (what: string) => void {
  let said = false;
  return (what) => {
    if (!said) say(what);
    said = true;
  };
}
