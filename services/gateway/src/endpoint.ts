import type { Role, Rpc, RpcRequest, RpcResponse, Task } from '@rigel/contracts';
import type { Static, TObject, TSchema } from 'typebox';
import type { Answer } from './envelope.js';
import type { Failures } from './failures.js';
import type { LiveStreams } from './live/live-streams.js';
import type { Page } from './request/paging.js';
import type { TimeFormat } from './time-format.js';

export type Method = 'GET' | 'POST' | 'DELETE';

/** What a handler gets beside the parameters. */
export interface Invocation {
  method: Method;
  /** Who asks: the name of the token; where access is off the Authorization header's text, or `unknown`. */
  operator: string;
  /** Whether that is certain. What a client says of itself does not count then. */
  authenticated: boolean;
  /** Whether who asks may do all that an admin may: the token's role is that, or access is off. */
  isAdmin: boolean;
  /** Which part of the list is asked for; page 1 of 10 rows on endpoints without pages. */
  page: Page;
  times: TimeFormat;
  /** The header Last-Event-ID: what a client of a live stream has received already. */
  lastEventId: string | undefined;
  live: LiveStreams;
  /**
   * Calls a service under the request's correlation id.
   * @param actor who is recorded as the cause; default: the operator.
   * @throws ServiceError
   */
  call<R extends Rpc>(rpc: R, data: RpcRequest<R>, actor?: string): Promise<RpcResponse<R>>;
  /** Whether what was called was done before, under the same key: the answer is that of then. */
  repeated(): boolean;
  /** The task when its run is over, or after so many seconds, see `TaskEnds`. */
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
  /** What else a client should know; for the API documentation. */
  notes?: string;
  /** The first one is the documented one. */
  methods: readonly Method[];
  /** The first one is the documented address; `:name` is a parameter. */
  paths: readonly string[];
  /** Takes `page` and `page_size`, which are never wrong: unusable values mean the default. */
  paged?: true;
  /** Other names under which a parameter may come; the parameter's own name goes before them. */
  spellings?: Record<string, readonly string[]>;
  /** At least one of these parameters must be there: an update that changes nothing is refused. */
  changes?: readonly string[];
  /** GET is accepted only with a body, so that following a link never creates or removes anything. */
  getNeedsBody?: true;
  /**
   * What becomes of the header Idempotency-Key. `kept`: it makes something, once for a key, by an operation that takes one
   * (`Rpc.keyed`); so it calls exactly one such. `refused`: a repetition does something again, and it knows no keys. Absent: to do
   * it again changes nothing more (a read; or what is set, removed or ended is so already), so the header has no effect.
   */
  key?: 'kept' | 'refused';
  failures: Failures;
  /** `data` of a success, and an example of it. */
  result: TSchema;
  /** The envelope may have `notes` beside the data, see `Answer`. */
  tellsNotes?: true;
  example: unknown;
  /** What GET answers as a live stream, always or when it is asked to. */
  events?: StreamEvents;
  /** It answers nothing but streams: no envelope but refusals. */
  streamsOnly?: true;
}

/**
 * `read` endpoints ignore a body that cannot be read, `write` endpoints refuse it. A token needs the role, or a higher one;
 * whatever changes something must name it, reading is for viewers where nothing else is said.
 */
type AccessFacts = { access: 'read'; role?: Role } | { access: 'write'; role: Exclude<Role, 'viewer'> };

type EndpointFacts = CommonFacts & AccessFacts;

/** The role that a token needs for an endpoint. */
export function roleFor({ role = 'viewer' }: EndpointFacts): Role {
  return role;
}

/** An endpoint of the API as data, with the handler that asks the service in charge. */
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
