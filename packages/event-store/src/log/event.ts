/** The origin of an event, stored with it, so that a person can follow causes. */
export interface EventMeta {
  /** The same for everything that one request of a client led to. */
  correlationId: string;
  /** Who caused the event: an operator's name, or the part of the system that acted for itself. */
  actor: string;
  /** Address of the client; absent: the system acted for itself, or an earlier release recorded the event. */
  client?: string | undefined;
}

/** The origin to record for a request. @param actor replaces the caller's name. */
export function metaOf(context: EventMeta, actor = context.actor): EventMeta {
  const { correlationId, client } = context;
  return client === undefined ? { correlationId, actor } : { correlationId, actor, client };
}

/** An event that is to be recorded. */
export interface NewEvent<Type extends string = string, Data = unknown> {
  type: Type;
  data: Data;
}

/** An event of the history. */
export interface RecordedEvent<E extends NewEvent = NewEvent> {
  /** Position in the service's history: 1, 2, 3 … in commit order. */
  position: number;
  stream: string;
  /** Number within the stream, from 1. */
  version: number;
  type: E['type'];
  /** Version of the shape of `data`. */
  schema: number;
  data: E['data'];
  meta: EventMeta;
  /** Milliseconds since 1970. */
  recordedAt: number;
}

/** Events for one stream. `expectedVersion` is the last version that the writer has seen, 0 for a new stream. */
export interface StreamAppend<E extends NewEvent = NewEvent> {
  stream: string;
  expectedVersion: number;
  events: readonly E[];
}

/** Another writer has appended to a stream since this one read it. */
export class VersionConflict extends Error {
  override readonly name = 'VersionConflict';
}
