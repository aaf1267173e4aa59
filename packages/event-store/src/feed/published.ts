import { eventIdentity, type PublishedEvent } from '@rigel/contracts';
import type { RecordedEvent } from '../log/event.js';

/** An event as other services get it. */
export function toPublished(event: RecordedEvent): PublishedEvent {
  return {
    position: event.position,
    stream: event.stream,
    version: event.version,
    type: event.type,
    schema: event.schema,
    data: event.data as Record<string, unknown>,
    meta: { ...event.meta },
    recorded_at: event.recordedAt,
  };
}

/** Identity of an event, see `eventIdentity`. */
export function identityOf({ stream, version, recordedAt, meta }: RecordedEvent): string {
  return eventIdentity({ stream, version, recorded_at: recordedAt, meta: { ...meta } });
}
