import { type RefusalFacts, ServiceError, type ServiceErrorCode, show } from '@rigel/contracts';
import { type ReasonCode, type RefusalReason, reason, reasonOf } from './answer/reason.js';

/** A failure as the API documents it. */
export interface Failure {
  /** HTTP status and `code` of the envelope. */
  code: 400 | 403 | 404 | 503;
  /** Begins the message. `{id}` stands for the id in the request; empty: the message is the reason alone. */
  text: string;
  /** `data` of the envelope. */
  data: readonly [] | Record<string, never> | null;
  /** The text says all there is to say, no reason follows it. */
  complete?: true;
}

/**
 * What can go wrong with a request: what services refuse, and
 * - `unreadable`: body or query cannot be read at all
 * - `parameter`: a parameter is missing or of the wrong form, no service has been asked
 * - `unknown`: the request has a name that the endpoint does not know
 * - `blank`: a list, or an entry of it, is empty; an endpoint that tells it apart says so itself
 * - `reference`: not the thing addressed is missing but another one that the request names
 * - `busy`: this gateway has as many live streams open, or as many clients waiting, as it or the client may
 */
export type Situation =
  | Exclude<ServiceErrorCode, 'internal' | 'key_reused'>
  | 'unreadable'
  | 'parameter'
  | 'unknown'
  | 'blank'
  | 'reference'
  | 'busy';

/** The documented failures of an endpoint by situation; `otherwise` is for every situation without an own entry. */
export interface Failures extends Partial<Record<Situation, Failure>> {
  otherwise: Failure;
  /** In place of `parameter` for single parameters. */
  parameters?: Record<string, Failure>;
}

export function failure(code: Failure['code'], text: string, data: Failure['data']): Failure {
  return { code, text, data };
}

/** A failure whose message is exactly the documented text. */
export function exactFailure(code: Failure['code'], text: string, data: Failure['data']): Failure {
  return { code, text, data, complete: true };
}

/** The request's body or query cannot be read at all. */
export class UnreadableRequest extends Error {
  override readonly name = 'UnreadableRequest';
}

/** A parameter is missing or of the wrong form. */
export class WrongParameter extends Error {
  override readonly name = 'WrongParameter';

  readonly why: RefusalReason;

  constructor(
    message: string,
    readonly parameter: string | undefined,
    {
      code = 'invalid',
      field = parameter,
      ...facts
    }: Partial<Pick<RefusalReason, 'code'>> & {
      /** The place in the parameter. */
      field?: string | undefined;
    } & RefusalFacts = {},
  ) {
    super(message);
    this.why = reason(code, { field, ...facts });
  }
}

/** A header of the request has a wrong value; the API documents no failure for that. */
export class WrongHeader extends Error {
  override readonly name = 'WrongHeader';
}

/**
 * The request has a name that the endpoint does not know. To ignore it would carry out another request than the client
 * meant.
 */
export class UnknownParameter extends Error {
  override readonly name = 'UnknownParameter';

  constructor(
    message: string,
    /** The name, with its place in the parameter. */
    readonly field: string,
    /** The known name that is nearest to it. */
    readonly nearest: string | undefined,
  ) {
    super(message);
  }
}

/** The request is larger than its endpoint takes; the API documents no failure for that. */
export class RequestTooLarge extends Error {
  override readonly name = 'RequestTooLarge';
  readonly statusCode = 413;
}

/** The gateway has no room for the request's body now; the API documents no failure for that. */
export class BodiesInFlight extends Error {
  override readonly name = 'BodiesInFlight';
  readonly statusCode = 503;
}

/** The token of a waiting request is not valid any more, or cannot be checked any more. */
export class TokenIsOver extends Error {
  override readonly name = 'TokenIsOver';

  constructor(
    message: string,
    readonly certain: boolean,
  ) {
    super(message);
  }
}

/** The credentials that a request brings are not valid. The message is for the audit. */
export class DeniedCredentials extends Error {
  override readonly name = 'DeniedCredentials';
}

/** The gateway, or this client, has as many live streams or waiting requests as it may have. */
export class GatewayIsFull extends Error {
  override readonly name = 'GatewayIsFull';
}

/** A handler's own choice of the failure to answer with. */
export class DocumentedFailure extends Error {
  override readonly name = 'DocumentedFailure';

  constructor(
    readonly failure: Failure,
    message: string,
    readonly why: RefusalReason,
  ) {
    super(message);
  }
}

/** Situations that only some endpoints distinguish, and the situation that they count as elsewhere. */
const BROADER: Partial<Record<Situation, Situation>> = {
  unknown: 'unreadable',
  unreadable: 'parameter',
  parameter: 'invalid',
  reference: 'not_found',
};

/**
 * The documented failure for an error, or undefined when the error is a fault of Rigel's.
 */
export function failureFor(failures: Failures, error: unknown): Failure | undefined {
  if (error instanceof DocumentedFailure) return error.failure;
  if (error instanceof UnreadableRequest) return forSituation(failures, 'unreadable');
  if (error instanceof WrongParameter) {
    const own = error.parameter === undefined ? undefined : failures.parameters?.[error.parameter];
    return own ?? forSituation(failures, 'parameter');
  }
  if (error instanceof UnknownParameter) {
    const own = forSituation(failures, 'unknown');
    // A complete text would leave out the name.
    return own.complete ? failure(own.code, '', own.data) : own;
  }
  if (error instanceof GatewayIsFull) return forSituation(failures, 'busy');
  if (!(error instanceof ServiceError) || error.code === 'internal' || error.code === 'key_reused')
    return undefined;
  if (error.code === 'not_found' && error.field !== undefined && error.field !== 'id') {
    return forSituation(failures, 'reference');
  }
  return forSituation(failures, error.code);
}

function forSituation(failures: Failures, situation: Situation): Failure {
  const own = failures[situation];
  if (own) return own;
  const broader = BROADER[situation];
  return broader ? forSituation(failures, broader) : failures.otherwise;
}

/** The message of a failure: the documented text first, then the reason where it adds something. */
export function failureMessage(failure: Failure, id: unknown, reason: string): string {
  const text = failure.text.replace('{id}', () => (id === undefined ? '?' : show(id)));
  if (text === '') return reason;
  if (failure.complete || reason === '') return text;
  return text.endsWith(':') ? `${text} ${reason}` : `${text}: ${reason}`;
}

/** The reasons of the gateway's own refusals that say all by their kind. */
const PLAIN: [kind: new (message: string) => Error, code: ReasonCode][] = [
  [UnreadableRequest, 'unreadable'],
  [WrongHeader, 'wrong_header'],
  [RequestTooLarge, 'body_too_large'],
  [BodiesInFlight, 'busy'],
  [GatewayIsFull, 'busy'],
];

/** The reason of a refusal, for programs. */
export function reasonFor(error: unknown): RefusalReason {
  if (error instanceof DocumentedFailure || error instanceof WrongParameter) return error.why;
  if (error instanceof UnknownParameter)
    return reason('unknown_parameter', { field: error.field, data: { nearest: error.nearest ?? null } });
  const plain = PLAIN.find(([kind]) => error instanceof kind);
  return plain ? reason(plain[1]) : reasonOf(error);
}
