import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodySubject, ServiceError } from '@rigel/contracts';
import type { Msg, NatsConnection } from 'nats';
import type { Logger } from 'pino';
import type { Requests } from '../requests/requests.js';
import { type BodyReference, isReplySubject } from './envelope.js';
import { checkJsonShape } from './json-scan.js';
import { Budget, KEPT_BYTES, MAX_DEPTH } from './limits.js';

/*
 * A NATS message has at most `max_payload` bytes (1 MB by default). A larger body stays with its sender, which sends a
 * reference instead. The receiver fetches the body in chunks, a few at a time, so it sets the pace. Requests and
 * answers work the same way.
 */

/** Bytes of a message that are reserved for the envelope. */
const ENVELOPE_BYTES = 4_096;
/** How long a sender keeps a body, and so how long fetching it may take. */
const KEEP_MS = 30_000;
const CHUNK_TIMEOUT_MS = 5_000;
/** Chunks that a receiver fetches at once. */
const PULLS = 3;
/**
 * The sender may be connected to another server of the cluster, whose `max_payload` is smaller by at most this factor.
 */
const SMALLER_SERVERS = 4;

/** Bytes that this process keeps for others to fetch. */
const kept = new Budget(KEPT_BYTES);

/** Bytes that a message has room for. */
export function roomOf(nc: NatsConnection): number {
  return (nc.info?.max_payload ?? 1_048_576) - ENVELOPE_BYTES;
}

export function fitsInline(nc: NatsConnection, body: Uint8Array): boolean {
  return body.byteLength <= roomOf(nc);
}

const chunkSize = (nc: NatsConnection): number => Math.floor(roomOf(nc) / 2);

/**
 * Keeps a large body until its receiver has fetched all of it, for at most 30 s. The subject has a random part, which
 * other processes that may fetch bodies here cannot guess.
 * @param content the body, or a function that makes it from that subject.
 * @throws ServiceError `unavailable` if too many bytes wait to be fetched already.
 */
export function offerBody(
  nc: NatsConnection,
  participant: string,
  content: Uint8Array | ((inbox: string) => Uint8Array),
  log: Logger,
): BodyReference {
  const inbox = bodySubject(participant, randomBytes(16).toString('hex'));
  const body = typeof content === 'function' ? content(inbox) : content;
  if (!kept.take(body.byteLength))
    throw new ServiceError('unavailable', 'too many large messages wait to be fetched: try again');
  const size = chunkSize(nc);
  const chunks = Math.ceil(body.byteLength / size);
  const fetched = new Set<number>();
  const expiry = setTimeout(() => {
    log.warn(
      { bytes: body.byteLength, fetched: fetched.size, chunks },
      'the receiver of a large message has not fetched all of it in time: the message was dropped',
    );
    end();
  }, KEEP_MS);
  expiry.unref();
  const end = (): void => {
    clearTimeout(expiry);
    subscription.unsubscribe();
    kept.giveBack(body.byteLength);
  };
  const subscription = nc.subscribe(inbox, {
    callback: (error: Error | null, message: Msg) => {
      if (error || !isReplySubject(message.reply)) return;
      const index = Number(message.string());
      if (!Number.isInteger(index) || index < 0 || index >= chunks) return;
      message.respond(body.subarray(index * size, (index + 1) * size));
      fetched.add(index);
      if (fetched.size === chunks) end();
    },
  });
  return { inbox, chunks };
}

/** Limits of a body that a receiver takes. */
export interface BodyLimits {
  bytes: number;
  /** JSON values. */
  values: number;
  /** A budget of bytes that all bodies that are being fetched share; absent: each has its own limit only. */
  inFlight?: Budget;
}

/** Makes JSON of a fetched body, which may be sealed. @returns undefined if the seal is wrong. */
type Open = (body: Uint8Array) => Uint8Array | undefined;

/**
 * Fetches a JSON body by its reference: first one chunk, whose size is that of all others, then the other chunks, a few
 * at a time.
 * @throws ServiceError `invalid` if the body exceeds the limits or contradicts its reference; `unavailable` if the
 *   shared budget has no room now, or fetching took too long. NatsError if a chunk does not come.
 */
export async function fetchBody(
  nc: NatsConnection,
  requests: Requests,
  { inbox, chunks }: BodyReference,
  limits: BodyLimits,
  open: Open = (body) => body,
): Promise<Uint8Array> {
  const mostChunks = Math.ceil((limits.bytes * SMALLER_SERVERS) / chunkSize(nc));
  if (chunks > mostChunks) throw tooLarge(`${chunks} chunks`, `${mostChunks} chunks`);
  const late = new AbortController();
  const chunk = async (index: number): Promise<Uint8Array> => {
    late.signal.throwIfAborted();
    return requests.send(inbox, Buffer.from(String(index)), CHUNK_TIMEOUT_MS);
  };
  // Until the first chunk has come, its size is unknown: reserve the largest.
  let reserved = 0;
  const reserve = (bytes: number): void => {
    if (limits.inFlight?.take(bytes - reserved) === false)
      throw new ServiceError('unavailable', 'too many large requests at once: try again');
    reserved = bytes;
  };
  try {
    reserve(roomOf(nc));
    const first = await chunk(0);
    const size = first.byteLength;
    if (size === 0) throw new ServiceError('invalid', 'a chunk of the message is empty');
    // All chunks but the last have the same size.
    const least = size * (chunks - 1) + 1;
    if (least > limits.bytes) throw tooLarge(`${least} bytes`, `${limits.bytes} bytes`);
    reserve(size * chunks);
    const parts: Uint8Array[] = [first];
    let next = 1;
    const pull = async (): Promise<void> => {
      while (next < chunks) {
        const index = next++;
        const part = await chunk(index);
        const { byteLength } = part;
        if (byteLength === 0 || byteLength > size || (byteLength < size && index < chunks - 1)) {
          throw new ServiceError(
            'invalid',
            `chunk ${index} of the message has ${byteLength} bytes, the first has ${size}`,
          );
        }
        parts[index] = part;
      }
    };
    const all = Promise.all(Array.from({ length: PULLS }, pull));
    await Promise.race([all, timeIsUp(late)]).finally(() => late.abort());
    const body = open(Buffer.concat(parts));
    if (!body) throw new ServiceError('unavailable', 'the message was changed on its way');
    checkJsonShape(body, { depth: MAX_DEPTH, values: limits.values });
    return body;
  } finally {
    limits.inFlight?.giveBack(reserved);
  }
}

/** Rejects after the time for which a sender keeps a body; ends when the controller is aborted. */
async function timeIsUp(late: AbortController): Promise<never> {
  await sleep(KEEP_MS, undefined, { signal: late.signal, ref: false });
  throw new ServiceError('unavailable', `a large message was not fetched within ${KEEP_MS / 1_000} s`);
}

function tooLarge(is: string, limit: string): ServiceError {
  return new ServiceError('invalid', `the message is too large: ${is}, at most ${limit} are allowed`);
}
