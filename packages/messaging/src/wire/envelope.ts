import {
  isStorable,
  REFUSALS,
  type Refusal,
  type RefusalFacts,
  ServiceError,
  type ServiceErrorCode,
  show,
} from '@rigel/contracts';

/*
 * The envelope of a request and of its answer. The other side wrote all of it, also the subjects that this process then
 * publishes to: NATS lets a process that answers publish to any subject that the request names for the answer. So every
 * part is checked.
 */

/** Replaces a body that is too large for a message. */
export interface BodyReference {
  /** The subject from which to fetch the body, see `bodySubject`. */
  inbox: string;
  chunks: number;
}

export interface RequestEnvelope {
  /** Correlation id. */
  c: string;
  /** Actor. */
  a: string;
  /** W3C traceparent of the caller; absent: the caller is not traced. */
  t?: string | undefined;
  /** Address of the client of the API. */
  i?: string | undefined;
  /** The request's data, or (in `ref`) where to fetch them. */
  d?: unknown;
  ref?: BodyReference | undefined;
  /** How to seal the answer message, see `sealing.ts`; in the first request of a message only. */
  s?: unknown;
}

export interface ReplyEnvelope {
  ok?: unknown;
  error?: {
    code: ServiceErrorCode;
    message: string;
    field?: string;
    /** Absent: no more than the kind, or a service of an earlier release. */
    reason?: Refusal;
    value?: RefusalFacts['value'];
    data?: RefusalFacts['data'];
  };
  ref?: BodyReference;
}

/** The subject of an answer: the caller's inbox, and no other subject. */
const REPLY_SUBJECT = /^_INBOX(\.[A-Za-z0-9_-]{1,64}){1,4}$/;
/** See `bodySubject`. */
const BODY_SUBJECT = /^rigel\.body\.[A-Za-z0-9_-]{1,64}\.[0-9a-f]{32}$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const PLAIN = /^[\x20-\x7e]*$/;

/** While access is off, a header says the operator's name, and a header may have 16 KiB. */
const MAX_ACTOR = 16_384;
const MAX_CORRELATION_ID = 256;
const MAX_CLIENT = 256;
/** A refusal names a few of the things that it is about, never all. */
const MAX_MESSAGE = 65_536;

const CODES: ReadonlySet<string> = new Set<ServiceErrorCode>(Object.values(REFUSALS));
/** The most facts of a refusal, and the longest of them. */
const MAX_FACTS = 20;
const MAX_FACT = 1_000;

/** Whether this process may publish an answer to the subject. */
export function isReplySubject(subject: string | undefined): subject is string {
  return subject !== undefined && REPLY_SUBJECT.test(subject);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isText = (value: unknown, limit: number): value is string =>
  typeof value === 'string' && value.length <= limit && (PLAIN.test(value) || isStorable(value));

/** @throws ServiceError `invalid` if `offerBody` cannot have made the value. */
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
 * @throws ServiceError `invalid`, which names the part that is wrong.
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

const isFact = (value: unknown): value is string | number | null =>
  value === null ||
  (typeof value === 'string' && value.length <= MAX_FACT) ||
  (typeof value === 'number' && Number.isFinite(value));

/** The reason of a refusal and its facts. A code of a later release, or of another kind, says no more than the kind. */
function readReason({ code, reason, value, data }: Record<string, unknown>) {
  const isKnown = typeof reason === 'string' && Object.hasOwn(REFUSALS, reason);
  if (!isKnown || REFUSALS[reason as Refusal] !== code) return {};
  const facts = isObject(data) ? Object.entries(data).slice(0, MAX_FACTS) : [];
  return {
    reason: reason as Refusal,
    ...((isFact(value) && value !== null) || typeof value === 'boolean' ? { value } : {}),
    data: Object.fromEntries(
      facts.filter((fact): fact is [string, string | number | null] => isFact(fact[1])),
    ),
  };
}

/**
 * Reads one answer.
 * @throws ServiceError `unavailable` if the value is no answer. The outcome of the request is unknown then.
 */
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
            ...readReason(error),
          },
        };
      }
    } else if (ref !== undefined) {
      try {
        return { ref: readReference(ref) };
      } catch {
        // The error below says it.
      }
    } else if (error === undefined) return { ok: value.ok };
  }
  throw new ServiceError('unavailable', `the answer of ${subject} cannot be read`);
}
