import { isDeepStrictEqual } from 'node:util';
import type { ChangedFields } from '@rigel/contracts';
import type { RecordedEvent } from './event.js';

/** Who caused an event, from where, and when, as histories of things say it. */
export function originOf({ actor, client = '', correlationId }: RecordedEvent['meta']): {
  operator: string;
  client: string;
  correlation_id: string;
} {
  return { operator: actor, client, correlation_id: correlationId };
}

/** @param fields the values before the event; afterwards those after it. */
export function changedFields(
  fields: Map<string, unknown>,
  { data }: Pick<RecordedEvent, 'data'>,
): ChangedFields {
  const { id: _, ...set } = data as Record<string, unknown>;
  return Object.entries(set).flatMap(([name, after]) => {
    const before = fields.get(name) ?? null;
    fields.set(name, after);
    return isDeepStrictEqual(before, after) ? [] : [{ name, before, after }];
  });
}
