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
 * NATS carries at most `max_payload` bytes (1 MB by default) in a message. A larger body stays with its sender, who
 * sends a reference instead; the receiver pulls it in chunks. Pulling paces itself, and works the same for a request
 * and for a reply.
 */

/** Room left in a message for what surrounds the body. */
const ENVELOPE_BYTES = 4_096;
/** How long a sender keeps a body that nobody fetches, and so how long fetching it may take. */
const KEEP_MS = 30_000;
const CHUNK_TIMEOUT_MS = 5_000;
/** Chunks that are pulled at once. */
const PULLS = 3;
/** Another server of a cluster may take messages that are so many times smaller. */
const SMALLER_SERVERS = 4;

/** What this process keeps for others to fetch. */
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
 * Keeps a large body until its receiver has fetched it all, or 30 s. Its name is random: others that may fetch bodies here
 * cannot guess it.
 * @param content or what makes it, given that name
 * @throws ServiceError `unavailable` when too much waits to be fetched already.
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
    throw new ServiceError('unavailable', 'too many large messages wait to be fetched, try again');
  const size = chunkSize(nc);
  const chunks = Math.ceil(body.byteLength / size);
  const fetched = new Set<number>();
  const expiry = setTimeout(() => {
    log.warn(
      { bytes: body.byteLength, fetched: fetched.size, chunks },
      'a large message was not fetched in time',
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

/** What of a body is taken. */
export interface BodyLimits {
  bytes: number;
  /** Values in its JSON. */
  values: number;
  /** Shared by all bodies that are fetched at the same time; absent: each counts alone. */
  inFlight?: Budget;
}

/** What a fetched body is before it is JSON: as it came, or sealed. @returns undefined when it is not what was asked for */
type Open = (body: Uint8Array) => Uint8Array | undefined;

/**
 * Fetches a body of JSON by its reference: the first chunk, which tells how large all of them are, and then the others, a few at a
 * time.
 * @throws ServiceError `invalid` when it is larger than the limits, or not what its reference says; `unavailable` when there is no
 *   room for it now, or it took too long. NatsError when a chunk does not come.
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
  // What a chunk may have at most, as long as nobody knows.
  let reserved = 0;
  const reserve = (bytes: number): void => {
    if (limits.inFlight?.take(bytes - reserved) === false)
      throw new ServiceError('unavailable', 'too many large requests at once, try again');
    reserved = bytes;
  };
  try {
    reserve(roomOf(nc));
    const first = await chunk(0);
    const size = first.byteLength;
    if (size === 0) throw new ServiceError('invalid', 'a chunk of the message is empty');
    // All but the last are of one size.
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
            `chunk ${index} of the message has ${byteLength} bytes, others have ${size}`,
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

/** Rejects when fetching has taken as long as a sender keeps a body; ends when the controller is aborted. */
async function timeIsUp(late: AbortController): Promise<never> {
  await sleep(KEEP_MS, undefined, { signal: late.signal, ref: false });
  throw new ServiceError('unavailable', `a large message was not fetched within ${KEEP_MS / 1_000} s`);
}

function tooLarge(is: string, limit: string): ServiceError {
  return new ServiceError('invalid', `the message is too large: ${is}, at most ${limit} are taken`);
}
