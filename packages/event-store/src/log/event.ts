/** Where an event comes from: kept with it for ever, so that a person can follow what led to what. */
export interface EventMeta {
  /** The same for everything that one request from outside led to. */
  correlationId: string;
  /** Who asked for it: an operator's name, or the part of the system that acted by itself. */
  actor: string;
  /** Address that the request came from; absent: it came from inside, or before this was recorded. */
  client?: string | undefined;
}

/** What is kept of who asks. @param actor who is named instead of the one who asks. */
export function metaOf(context: EventMeta, actor = context.actor): EventMeta {
  const { correlationId, client } = context;
  return client === undefined ? { correlationId, actor } : { correlationId, actor, client };
}

/** A fact about to be recorded. */
export interface NewEvent<Type extends string = string, Data = unknown> {
  type: Type;
  data: Data;
}

/** A fact as it stands in the history. */
export interface RecordedEvent<E extends NewEvent = NewEvent> {
  /** Place in the service's history, 1, 2, 3 … in commit order. */
  position: number;
  stream: string;
  /** Place in the stream, from 1. */
  version: number;
  type: E['type'];
  /** Version of the shape of `data`. */
  schema: number;
  data: E['data'];
  meta: EventMeta;
  /** Milliseconds since 1970. */
  recordedAt: number;
}

/** Events for one stream. `expectedVersion`: the last version the writer has seen, 0 for a new stream. */
export interface StreamAppend<E extends NewEvent = NewEvent> {
  stream: string;
  expectedVersion: number;
  events: readonly E[];
}

/** Somebody else has written to a stream since its writer read it. */
export class VersionConflict extends Error {
  override readonly name = 'VersionConflict';
}
