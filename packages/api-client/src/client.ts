import createFetchClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './schema.js';

/** Why a request was refused, for programs. */
export type RefusalReason = components['schemas']['RefusalReason'];

/** Calls of the HTTP API, typed by its OpenAPI description: `client.POST('/cluster/create', { body: { … } })`. */
export type RigelClient = Client<paths>;

/** The API refused a call, or the answer is none of its own. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    /** `code` of the envelope: the HTTP status of the refusal. */
    readonly code: number,
    /** `msg` of the envelope. */
    message: string,
    /** `data` of the envelope; nothing to rely on. */
    readonly data: unknown,
    /** `reason` of the envelope; undefined: the answer is not one of the API, or of an earlier release. */
    readonly reason?: RefusalReason,
    /** Names the request in the logs of the services and in the audit; undefined: no gateway answered. */
    readonly correlationId?: string,
  ) {
    super(message);
  }
}

/**
 * A client of the gateway at an address.
 * @param options.operator is recorded as the one who asks.
 * @param options.fetch instead of the platform's.
 */
export function createClient(
  baseUrl: string,
  options: { operator?: string; fetch?: (request: Request) => Promise<Response> } = {},
): RigelClient {
  return createFetchClient<paths>({
    baseUrl,
    ...(options.operator === undefined ? {} : { headers: { authorization: options.operator } }),
    ...(options.fetch ? { fetch: options.fetch } : {}),
  });
}

/**
 * Names a call that makes something, so that it can be sent again without making it twice:
 * `const named = once(); client.POST('/task/create', { body, ...named })`, and the same once more where the answer was lost.
 * @param key 1 to 255 printable ASCII characters; default: a random one.
 */
export function once(key: string = globalThis.crypto.randomUUID()): {
  headers: { 'Idempotency-Key': string };
} {
  return { headers: { 'Idempotency-Key': `"${key.replaceAll(/["\\]/g, '\\$&')}"` } };
}

/** What a call of the client resolves to. */
interface Outcome<Success> {
  data?: Success;
  error?: unknown;
  response: Response;
}

type DataOf<Success> = Success extends { data: infer Data } ? Data : never;

/**
 * The `data` of a call that succeeded.
 * @throws ApiError what the API answered instead.
 */
export async function unwrap<Success>(call: Promise<Outcome<Success>>): Promise<DataOf<Success>> {
  const { data, error, response } = await call;
  const envelope: unknown = data ?? error;
  const correlationId = response.headers.get('x-correlation-id') ?? undefined;
  if (!isEnvelope(envelope)) {
    throw new ApiError(
      response.status,
      `the answer is not one of the API (status ${response.status})`,
      envelope,
      undefined,
      correlationId,
    );
  }
  if (envelope.code !== 0)
    throw new ApiError(envelope.code, envelope.msg, envelope.data, envelope.reason, correlationId);
  return envelope.data as DataOf<Success>;
}

function isEnvelope(value: unknown): value is {
  code: number;
  msg: string;
  data: unknown;
  reason?: RefusalReason;
} {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { code?: unknown }).code === 'number' &&
    typeof (value as { msg?: unknown }).msg === 'string' &&
    'data' in value
  );
}
