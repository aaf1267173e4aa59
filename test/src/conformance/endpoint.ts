import type { Refusal } from './expectation.js';
import type { Shape } from './shape.js';
import type { World } from './world.js';

export type Method = 'GET' | 'POST' | 'DELETE';

/** Parameters of a request by name, those of its path among them. */
export type Params = Record<string, unknown>;

/** What a parameter takes. */
export type Kind = 'integer' | 'text' | 'name' | 'flag' | 'structure';

/** A request that is wrong in one parameter. */
export interface WrongValue {
  what: string;
  /** Replaces parameters of a valid request. */
  change: Params | ((world: World) => Promise<Params>);
  /** Default: the endpoint's refusal of wrong parameters. */
  refusal?: Refusal;
  /** What the message must speak of. Default: the first parameter that is changed. */
  says?: string | RegExp;
}

/** One endpoint of the API: how it is addressed, what it takes and answers. The rules make cases of it. */
export interface EndpointSpec {
  id: string;
  /** Accepted methods, the documented one first. */
  methods: readonly Method[];
  /** Addresses, the documented one first; `:name` is a parameter. */
  paths: readonly string[];
  access: 'read' | 'write';
  /** A read that refuses a body that it cannot read. */
  strict?: true;
  /**
   * What becomes of the header Idempotency-Key: the answer is kept for repetitions, or the header is refused. Absent: it is passed
   * over, because a repetition changes nothing more.
   */
  key?: 'kept' | 'refused';
  /** What the parameters take that do not stand in every path. `absent`: code of the refusal without it, default `missing`. */
  params?: Record<string, { kind: Kind; required?: true; absent?: string }>;
  /** Other names that a parameter is read under. */
  spellings?: Record<string, string>;
  /** What existing clients send beside the parameters: it changes nothing. Any other name is refused. */
  alsoSent?: Params;
  /** Parameters of a request that succeeds: for a write on things that nothing else needs. */
  valid: (world: World) => Promise<Params>;
  /**
   * What a valid request is answered where no client alone can bring about what the endpoint is for: its success is tested
   * elsewhere.
   */
  answered?: Refusal;
  /** `data` of the success. */
  data: Shape;
  /** The same for GET, where it differs. */
  dataByGet?: Shape;
  paged?: {
    /** By id. Absent: the list tells nothing. */
    order: 'newest first' | 'oldest first';
    /** The keyword filter, and the field of the rows it is about. */
    filter?: { param: string; field: string };
    /** Makes a row that stands in the list of these parameters; its id, and what to filter by. */
    row: (world: World, params: Params) => Promise<{ id: number; keyword: string }>;
  };
  /** Paging fields stand beside the data of these methods although the endpoint has no pages. */
  pagingBeside?: readonly Method[];
  /** A wrong parameter. */
  refusal: Refusal;
  /** A body that cannot be read. Default: as a wrong parameter. Reads ignore such a body. */
  unreadable?: Refusal;
  /** A name that is not known. Default: as a body that cannot be read, or in its own words where that text is fixed. */
  unknownName?: Refusal;
  /** The id in the path is no positive integer. Default: as a wrong parameter. */
  badId?: Refusal;
  /** Nothing has the id in the path. Absent: not a failure. */
  unknownId?: Refusal;
  /** Nothing to change is given. */
  empty?: Refusal;
  wrong?: readonly WrongValue[];
}

/** Names of the parameters in an address. */
export function pathParams(path: string): string[] {
  return [...path.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1] ?? '');
}
