import { type Clock, systemClock } from '@rigel/clock';
import {
  inboxPrefix,
  type OnceKey,
  type Rpc,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  type ServiceErrorCode,
} from '@rigel/contracts';
import { ErrorCode, type Msg, type NatsConnection, NatsError } from 'nats';
import type { Logger } from 'pino';
import type { Static, TSchema } from 'typebox';
import { type BodyReference, fetchBody, fitsInline, offerBody, roomOf } from './body.js';
import { type ConnectOptions, connectToNats } from './connection.js';
import { rpcDuration, rpcErrors } from './metrics.js';
import { Requests } from './requests.js';
import { AnswerOpener, AnswerSealer, type Question, type Seal } from './sealing.js';
import { SharedMessages } from './shared-messages.js';
import { traced, traceparent } from './tracing.js';
import { assertMatches } from './validation.js';

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

interface RequestEnvelope {
  /** Correlation id. */
  c: string;
  /** Actor. */
  a: string;
  /** W3C traceparent of the caller, when it is traced. */
  t?: string;
  /** Client's address. */
  i?: string | undefined;
  /** Data, or where to fetch it. */
  d?: unknown;
  ref?: BodyReference;
  /** How the answer message is to be sealed; in the first request of a message only. */
  s?: unknown;
}

interface ReplyEnvelope {
  ok?: unknown;
  error?: { code: ServiceErrorCode; message: string; field?: string };
  ref?: BodyReference;
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

const encode = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const decode = (data: Uint8Array): unknown =>
  JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'));

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

  private constructor(
    readonly nats: NatsConnection,
    private readonly log: Logger,
    private readonly clock: Clock,
    /** Whose subjects are its own; without permissions nobody asks. */
    private readonly participant = 'client',
  ) {
    this.requests = new Requests(nats, clock, inboxPrefix(participant));
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
      const ref = offerBody(this.nats, this.participant, encode(data), this.log);
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
    return { content: decode(await this.requests.send(subject, Buffer.from(message), timeoutMs)) };
  }

  /** As `exchange`; what is not the answer of whoever was asked is looked past. */
  private async exchangeSealed(subject: string, message: string, timeoutMs: number): Promise<Answered> {
    this.opener ??= new AnswerOpener(
      once((where) =>
        this.log.warn(
          { subject: where },
          'something that was not sealed for this process came in place of an answer and is ignored: somebody else uses this NATS user, or a ' +
            'service of the release before was started again (it can answer those that have heard of no newer one)',
        ),
      ),
    );
    const question = this.opener.question(subject, message);
    const answer = await this.requests.send(subject, Buffer.from(question.message), timeoutMs, (data) =>
      question.open(data),
    );
    return { content: decode(answer), question };
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
    const reply = content as ReplyEnvelope;
    if (reply.error) throw new ServiceError(reply.error.code, reply.error.message, reply.error.field);
    if (!reply.ref) return reply.ok as RpcResponse<R>;
    // The operation was carried out: calling it again is not ours to decide.
    const lost = (why: string) =>
      new ServiceError('unavailable', `the answer of ${subject} could not be fetched (${why})`);
    try {
      const body = await fetchBody(this.requests, reply.ref);
      const opened = question ? question.open(body, reply.ref.inbox) : body;
      if (opened === undefined) throw lost('it was changed on its way');
      return decode(opened) as RpcResponse<R>;
    } catch (error) {
      if (!(error instanceof NatsError)) throw error;
      throw lost(error.code);
    }
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
    const handle = async (request: RequestEnvelope): Promise<unknown> => {
      if (running >= limit) throw new ServiceError('unavailable', 'too many requests at once');
      running++;
      try {
        const raw = request.ref ? decode(await fetchBody(this.requests, request.ref)) : request.d;
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
    const answer = async (request: RequestEnvelope): Promise<ReplyEnvelope> => {
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
      const content = decode(data) as RequestEnvelope | RequestEnvelope[];
      const first = Array.isArray(content) ? content[0] : content;
      const seal = rpc.sealed ? this.sealFor(subject, first?.s) : undefined;
      const reply = await (Array.isArray(content) ? Promise.all(content.map(answer)) : answer(content));
      return { reply, seal };
    };
    const answerMessage = async (message: Msg): Promise<void> => {
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
    const body = encode(reply.ok);
    const content = seal ? (inbox: string) => seal(body, inbox) : body;
    return { ref: offerBody(this.nats, this.participant, content, this.log) };
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
          handler(assertMatches(schema, decode(message.data)));
        } catch (failure) {
          this.log.error({ err: failure, subject }, 'a published message could not be handled');
        }
      },
    });
    return () => subscription.unsubscribe();
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
