import { randomBytes } from 'node:crypto';
import { bodySubject } from '@rigel/contracts';
import type { Msg, NatsConnection } from 'nats';
import type { Logger } from 'pino';
import type { Requests } from './requests.js';

/*
 * NATS carries at most `max_payload` bytes (1 MB by default) in a message. A larger body stays with its sender, who
 * sends a reference instead; the receiver pulls it in chunks. Pulling paces itself, and works the same for a request
 * and for a reply.
 */

/** Stands in a message in place of a body that is too large for it. */
export interface BodyReference {
  inbox: string;
  chunks: number;
}

/** Room left in a message for what surrounds the body. */
const ENVELOPE_BYTES = 4_096;
/** How long a sender keeps a body that nobody fetches. */
const KEEP_MS = 30_000;
const CHUNK_TIMEOUT_MS = 5_000;

/** Bytes that a message has room for. */
export function roomOf(nc: NatsConnection): number {
  return (nc.info?.max_payload ?? 1_048_576) - ENVELOPE_BYTES;
}

export function fitsInline(nc: NatsConnection, body: Uint8Array): boolean {
  return body.byteLength <= roomOf(nc);
}

/**
 * Keeps a large body until its receiver has fetched it all, or 30 s. Its name is random: others that may fetch bodies here
 * cannot guess it.
 * @param content or what makes it, given that name
 */
export function offerBody(
  nc: NatsConnection,
  participant: string,
  content: Uint8Array | ((inbox: string) => Uint8Array),
  log: Logger,
): BodyReference {
  const inbox = bodySubject(participant, randomBytes(16).toString('hex'));
  const body = typeof content === 'function' ? content(inbox) : content;
  const size = Math.floor(roomOf(nc) / 2);
  const chunks = Math.ceil(body.byteLength / size);
  const fetched = new Set<number>();
  const expiry = setTimeout(() => {
    log.warn(
      { bytes: body.byteLength, fetched: fetched.size, chunks },
      'a large message was not fetched in time',
    );
    subscription.unsubscribe();
  }, KEEP_MS);
  expiry.unref();
  const subscription = nc.subscribe(inbox, {
    callback: (error: Error | null, message: Msg) => {
      if (error) return;
      const index = Number(message.string());
      if (!Number.isInteger(index) || index < 0 || index >= chunks) return;
      message.respond(body.subarray(index * size, (index + 1) * size));
      fetched.add(index);
      if (fetched.size === chunks) {
        clearTimeout(expiry);
        subscription.unsubscribe();
      }
    },
  });
  return { inbox, chunks };
}

/** Fetches a body by its reference, a few chunks at a time. */
export async function fetchBody(requests: Requests, reference: BodyReference): Promise<Buffer> {
  const parts: Uint8Array[] = new Array(reference.chunks);
  let next = 0;
  const pull = async (): Promise<void> => {
    while (next < reference.chunks) {
      const index = next++;
      parts[index] = await requests.send(reference.inbox, Buffer.from(String(index)), CHUNK_TIMEOUT_MS);
    }
  };
  await Promise.all([pull(), pull(), pull()]);
  return Buffer.concat(parts);
}
