import type { Endpoint } from '../endpoint.js';

/*
 * How large the body of a request may be, by endpoint. The limit of bytes bounds the memory for the text; the limit of
 * entries bounds the objects made from it: a million keys fit into 15 MB, but take seconds and hundreds of megabytes as
 * objects.
 */

export interface BodyLimits {
  bytes: number;
  /** Members of objects and elements of lists in JSON, names with their values in a form. */
  entries: number;
}

/** The limits by the size that an endpoint declares (`body`). */
const LIMITS = {
  /** A few parameters, as reads take them. */
  small: { bytes: 64 * 1024, entries: 1_000 },
  /** A few parameters, one of which may be a long text. */
  text: { bytes: 1024 * 1024, entries: 1_000 },
  /** What an operator edits: steps, scripts, items of schedules, some ten thousand nodes. */
  medium: { bytes: 1024 * 1024, entries: 50_000 },
  /** A list of a hundred thousand nodes, each an object, beside long parameters. */
  large: { bytes: 16 * 1024 * 1024, entries: 210_000 },
} satisfies Record<string, BodyLimits>;

export type BodySize = keyof typeof LIMITS;

/** The largest body that any endpoint takes. */
export const LARGEST_BODY = LIMITS.large.bytes;

/** Pairs in the query of an address: as long as an address can be, nothing needs as many. */
export const QUERY_PAIRS = 1_000;

/** How deep JSON may be nested: the parameters, and 64 levels within one (see `assertStorable`). */
export const MOST_LEVELS = 65;

/** The limits of an endpoint; of what is none, those of reads. */
export function bodyLimitsOf(endpoint: Pick<Endpoint, 'body' | 'access'> | undefined): BodyLimits {
  return LIMITS[endpoint?.body ?? (endpoint?.access === 'write' ? 'medium' : 'small')];
}

/** `64 KiB`, `16 MiB`. */
export function inUnits(bytes: number): string {
  return bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`;
}
