import type { Role, Rpc, RpcRequest, RpcResponse, Task } from '@rigel/contracts';
import type { Static, TObject, TSchema } from 'typebox';
import type { Principal } from './access/principal.js';
import type { Answer } from './answer/envelope.js';
import type { TimeFormat } from './answer/time-format.js';
import type { Failures } from './failures.js';
import type { LiveStreamOpener } from './live/live-stream.js';
import type { BodySize } from './request/body-limits.js';
import type { Client } from './request/client.js';
import type { Page } from './request/paging.js';

export type Method = 'GET' | 'POST' | 'DELETE';

/** What a handler gets in addition to the parameters. */
export interface Invocation {
  method: Method;
  /** The operator: the name of the token; where access is off, the text of the Authorization header, or `unknown`. */
  operator: string;
  /** Whether the operator is certain, because a token was checked. Then names that the client sends do not count. */
  authenticated: boolean;
  /** The client, for shares of what a gateway has for all clients. */
  client: Client;
  /** The role of the client's token; `admin` where access is off. */
  role: Role;
  /** The token or session of the request; null where access is off, or no valid one was sent. */
  principal: Principal | null;
  accessIsOn: boolean;
  /** The headers that give a browser its session, and take it away. */
  cookie: { make: (text: string, expires: number) => Promise<string>; drop: () => Promise<string> };
  /** Refuses the request for its credentials. @param why for the audit; the client is not given it. */
  deny: (why: string) => never;
  /** The request was carried out, and no event tells of it: the gateway reports it to the audit. */
  tellAudit: () => void;
  /** Whether the client may do all that an admin may: its token has that role, or access is off. */
  isAdmin: boolean;
  /** Whether the client may run one-off commands: it may do what an admin may, or its token says so. */
  mayRun: boolean;
  /** The page of the list that the client asks for; page 1 of 10 rows on endpoints without pages. */
  page: Page;
  times: TimeFormat;
  /** The header Last-Event-ID: the last event that a client of a live stream has received. */
  lastEventId: string | undefined;
  live: LiveStreamOpener;
  /**
   * Calls a service under the request's correlation id.
   * @param actor the name that is recorded as the cause; default: the operator.
   * @throws ServiceError
   */
  call<R extends Rpc>(rpc: R, data: RpcRequest<R>, actor?: string): Promise<RpcResponse<R>>;
  /**
   * Whether the called operation was done before under the same key, so that the answer is that of the first request.
   */
  repeated(): boolean;
  /** The task when its run is over, or after this many seconds, see `TaskEnds`. */
  taskEnd(id: number, seconds: number): Promise<Task>;
}

/** The events of a live stream. */
export interface StreamEvents {
  /** Schema of an event's data, by the event's name. */
  schema: Record<string, TSchema>;
  examples: readonly { id: string; event: string; data: unknown }[];
}

interface CommonFacts {
  /** `<resource>.<operation>`, unique. */
  id: string;
  title: string;
  /** Further facts for the API documentation. */
  notes?: string;
  /** The first one is the documented one. */
  methods: readonly Method[];
  /** The first one is the documented address; `:name` is a parameter. */
  paths: readonly string[];
  /** Takes `page` and `page_size`. They are never refused: an unusable value means the default. */
  paged?: true;
  /** Other names of a parameter; the parameter's own name goes before them. */
  spellings?: Record<string, readonly string[]>;
  /** At least one of these parameters must be there: an update that changes nothing is refused. */
  changes?: readonly string[];
  /** How large the body may be, see `bodyLimitsOf`. Default: `small` for reads, `medium` for writes. */
  body?: BodySize;
  /** A read whose body must be readable: it says what the answer is about. */
  strict?: true;
  /** GET is accepted only with a body, so that following a link never creates or removes anything. */
  getNeedsBody?: true;
  /**
   * The effect of the header Idempotency-Key. `kept`: the endpoint makes something, once for each key, by calling
   * exactly one operation that takes a key (`Rpc.keyed`). `refused`: a repetition does something again, and the
   * endpoint takes no keys. Absent: a repetition changes nothing more (it reads; or sets, removes or ends what is so
   * already), so the header has no effect.
   */
  key?: 'kept' | 'refused';
  failures: Failures;
  /** `data` of a success, and an example of it. */
  result: TSchema;
  /** The envelope may have `notes` beside the data, see `Answer`. */
  tellsNotes?: true;
  example: unknown;
  /** The live stream that GET answers, always or on request. */
  events?: StreamEvents;
  /**
   * Answers without a token too, because it is where one begins. Refusals with 401 count as failed requests. Its parameters are
   * secrets: they may not stand in the address.
   */
  anyone?: true;
  /** Tokens that may run one-off commands may use it too, whatever their role. */
  orMayRun?: true;
  /** It answers with streams only; envelopes are for refusals. */
  streamsOnly?: true;
  /** It answers a file of this media type; envelopes are for refusals. */
  file?: string;
}

/**
 * `read` endpoints ignore a body that cannot be read (unless they are `strict`), `write` endpoints refuse it. A token needs the role, or a higher
 * one; whatever changes something must name it, reading is for viewers where nothing else is said.
 */
type AccessFacts = { access: 'read'; role?: Role } | { access: 'write'; role: Role };

type EndpointFacts = CommonFacts & AccessFacts;

/** The role that a token needs for an endpoint. */
export function roleFor({ role = 'viewer' }: EndpointFacts): Role {
  return role;
}

/** An endpoint of the API as data, with the handler that calls the service in charge. */
export type EndpointDefinition<Params extends TObject> = EndpointFacts & {
  /**
   * The parameters. Names that the path does not hold stand in the query (numbers, strings, booleans) or in the body.
   * One with a default may be left out.
   */
  params: Params;
  handler: (input: Static<Params>, invocation: Invocation) => Promise<Answer>;
};

/** An endpoint as the application registers it, whatever its parameters are. */
export type Endpoint = EndpointFacts & {
  params: TObject;
  /** @param input matches `params`. */
  handle: (input: unknown, invocation: Invocation) => Promise<Answer>;
};

export function defineEndpoint<Params extends TObject>(definition: EndpointDefinition<Params>): Endpoint {
  const { handler, ...facts } = definition;
  return { ...facts, handle: (input, invocation) => handler(input as Static<Params>, invocation) };
}
