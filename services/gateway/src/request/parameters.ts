import { ServiceError, show } from '@rigel/contracts';
import { assertMatches } from '@rigel/messaging';
import type { TSchema } from 'typebox';
import type { Endpoint } from '../endpoint.js';
import { UnreadableRequest, WrongParameter } from '../failures.js';
import { coerce } from './coerce.js';
import { FIRST_PAGE, type Page, readPage } from './paging.js';
import type { Source } from './source.js';
import { withSpelling } from './spelled-number.js';
import { assertStorable } from './storable.js';
import { prepareUnknownNames } from './unknown-names.js';

/** The places of one request that hold parameters. */
export interface RequestSources {
  path: Source;
  body: Source;
  query: Source;
}

export interface ReadParameters {
  /** Matches the endpoint's schema. */
  input: Record<string, unknown>;
  /** The parameters that the request gives itself, without defaults. */
  given: Record<string, unknown>;
  page: Page;
}

interface Parameter {
  name: string;
  names: readonly string[];
  schema: TSchema;
  fallback: unknown;
}

/**
 * Prepares reading an endpoint's parameters: everything that does not depend on the request is done here, once. The
 * function returned takes each parameter from the path, else the body, else the query; null counts as absent.
 *
 * It throws UnreadableRequest (only on writes and strict reads; another read goes on without what cannot be read), UnknownParameter or
 * WrongParameter.
 */
export function prepareParameters(endpoint: Endpoint): (sources: RequestSources) => ReadParameters {
  const parameters: Parameter[] = Object.entries(endpoint.params.properties).map(([name, schema]) => ({
    name,
    names: [name, ...(endpoint.spellings?.[name] ?? [])],
    schema,
    fallback: (schema as { default?: unknown }).default,
  }));
  const assertKnown = prepareUnknownNames(endpoint);
  return (sources) => {
    if (endpoint.anyone) assertNoSecrets(sources.query);
    const places = readablePlaces(sources, endpoint.access === 'write' || endpoint.strict === true);
    const input: Record<string, unknown> = {};
    const given: Record<string, unknown> = {};
    for (const { name, names, schema, fallback } of parameters) {
      const value = firstGiven(places, names);
      if (value !== undefined) {
        assertStorable(name, value);
        input[name] = given[name] = coerce(schema, value);
      } else if (fallback !== undefined) input[name] = structuredClone(fallback);
    }
    assertKnown(places, input);
    assertInput(endpoint, input);
    const page = endpoint.paged
      ? readPage(firstGiven(places, ['page']), firstGiven(places, ['page_size']))
      : FIRST_PAGE;
    return { input, given, page };
  };
}

/** Addresses are kept by browsers, proxies and logs: what somebody signs in with may not stand there. */
function assertNoSecrets(query: Source): void {
  const [name] = 'values' in query ? Object.keys(query.values) : [];
  if (name !== undefined)
    throw new WrongParameter(
      `${show(name)} must stand in the body: an address is no place for a secret`,
      name,
      { code: 'unknown_parameter' },
    );
}

function assertInput(endpoint: Endpoint, input: Record<string, unknown>): void {
  try {
    assertMatches(endpoint.params, input);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { reason: code, field, facts } = error;
    throw new WrongParameter(error.message, field?.split('.')[0], { code, field, ...facts });
  }
  if (endpoint.changes && !endpoint.changes.some((name) => name in input)) {
    const names = endpoint.changes.join(', ');
    throw new WrongParameter(`nothing to change: none of ${names} is given`, undefined, {
      code: 'nothing_to_change',
    });
  }
}

/** The id in a request as it was written, for messages; undefined when there is none. */
export function idAsGiven({ path, body, query }: RequestSources): unknown {
  const places = [path, body, query].flatMap((source) => ('values' in source ? [source.values] : []));
  return withSpelling(firstGiven(places, ['id']));
}

function readablePlaces(
  { path, body, query }: RequestSources,
  isStrict: boolean,
): Readonly<Record<string, unknown>>[] {
  const places: Readonly<Record<string, unknown>>[] = [];
  for (const source of [path, body, query]) {
    if ('values' in source) places.push(source.values);
    else if (isStrict) throw new UnreadableRequest(source.unreadable);
  }
  return places;
}

function firstGiven(places: Readonly<Record<string, unknown>>[], names: readonly string[]): unknown {
  for (const place of places) {
    for (const name of names) {
      const value = Object.hasOwn(place, name) ? place[name] : undefined;
      if (value !== undefined && value !== null) return value;
    }
  }
  return undefined;
}
