import { isStorable, ServiceError, type ServiceErrorCode, show } from '@rigel/contracts';

/*
 * The forms of what surrounds a request and its answer. All of it was written by the other side, also the subjects that this side then
 * publishes to: NATS lets whoever answers publish to any subject that it was told as the place for the answer.
 */

/** Stands in a message in place of a body that is too large for it. */
export interface BodyReference {
  /** Where to fetch it, see `bodySubject`. */
  inbox: string;
  chunks: number;
}

export interface RequestEnvelope {
  /** Correlation id. */
  c: string;
  /** Actor. */
  a: string;
  /** W3C traceparent of the caller, when it is traced. */
  t?: string | undefined;
  /** Client's address. */
  i?: string | undefined;
  /** Data, or where to fetch it. */
  d?: unknown;
  ref?: BodyReference | undefined;
  /** How the answer message is to be sealed; in the first request of a message only. Read by the sealer. */
  s?: unknown;
}

export interface ReplyEnvelope {
  ok?: unknown;
  error?: { code: ServiceErrorCode; message: string; field?: string };
  ref?: BodyReference;
}

/** Where a caller waits for its answer: its inbox, and no other subject. */
const REPLY_SUBJECT = /^_INBOX(\.[A-Za-z0-9_-]{1,64}){1,4}$/;
/** See `bodySubject`. */
const BODY_SUBJECT = /^rigel\.body\.[A-Za-z0-9_-]{1,64}\.[0-9a-f]{32}$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const PLAIN = /^[\x20-\x7e]*$/;

/** An operator's name is whatever a header says, where access is off, and a header has 16 KiB. */
const MAX_ACTOR = 16_384;
const MAX_CORRELATION_ID = 256;
const MAX_CLIENT = 256;
/** A refusal names some of what it is about, never all. */
const MAX_MESSAGE = 65_536;

const CODES: ReadonlySet<string> = new Set<ServiceErrorCode>([
  'invalid',
  'not_found',
  'conflict',
  'in_use',
  'wrong_state',
  'key_reused',
  'unavailable',
  'internal',
]);

/** Whether an answer may be published there. */
export function isReplySubject(subject: string | undefined): subject is string {
  return subject !== undefined && REPLY_SUBJECT.test(subject);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isText = (value: unknown, limit: number): value is string =>
  typeof value === 'string' && value.length <= limit && (PLAIN.test(value) || isStorable(value));

/** @throws ServiceError `invalid` when it is none that `offerBody` has made. */
function readReference(value: unknown): BodyReference {
  if (!isObject(value)) throw new ServiceError('invalid', 'ref must be an object');
  const { inbox, chunks } = value;
  if (typeof inbox !== 'string' || !BODY_SUBJECT.test(inbox))
    throw new ServiceError(
      'invalid',
      `ref.inbox must name a body that is kept for fetching (got ${show(inbox)})`,
    );
  if (!Number.isSafeInteger(chunks) || (chunks as number) < 1)
    throw new ServiceError('invalid', `ref.chunks must be a number from 1 (got ${show(chunks)})`);
  return { inbox, chunks: chunks as number };
}

/**
 * Reads one request of a message.
 * @throws ServiceError `invalid`, naming the part of it that has not the form that it must have.
 */
export function readRequest(value: unknown): RequestEnvelope {
  if (!isObject(value)) throw new ServiceError('invalid', `a request must be an object (got ${show(value)})`);
  const { c, a, t, i, d, ref } = value;
  if (!isText(c, MAX_CORRELATION_ID))
    throw new ServiceError('invalid', `c must be a correlation id (got ${show(c)})`);
  if (!isText(a, MAX_ACTOR)) throw new ServiceError('invalid', `a must name who asks (got ${show(a)})`);
  if (i !== undefined && !isText(i, MAX_CLIENT))
    throw new ServiceError('invalid', `i must be the address of a client (got ${show(i)})`);
  if (t !== undefined && (typeof t !== 'string' || !TRACEPARENT.test(t)))
    throw new ServiceError('invalid', `t must be a traceparent (got ${show(t)})`);
  return { c, a, t, i, d, ref: ref === undefined ? undefined : readReference(ref) };
}

/** Reads one answer. @throws ServiceError `unavailable` when it is none: what became of the request is not known. */
export function readReply(value: unknown, subject: string): ReplyEnvelope {
  if (isObject(value)) {
    const { error, ref } = value;
    if (isObject(error)) {
      const { code, message, field } = error;
      if (typeof code === 'string' && CODES.has(code) && typeof message === 'string') {
        return {
          error: {
            code: code as ServiceErrorCode,
            message: message.slice(0, MAX_MESSAGE),
            ...(typeof field === 'string' ? { field: field.slice(0, MAX_MESSAGE) } : {}),
          },
        };
      }
    } else if (ref !== undefined) {
      try {
        return { ref: readReference(ref) };
      } catch {
        // Told below.
      }
    } else if (error === undefined) return { ok: value.ok };
  }
  throw new ServiceError('unavailable', `what ${subject} answered is no answer`);
}
