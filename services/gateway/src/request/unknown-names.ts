import { nearestName, show } from '@rigel/contracts';
import type { Endpoint } from '../endpoint.js';
import { UnknownParameter } from '../failures.js';
import { alsoSentTo, isCacheBuster, PAGE_NAMES } from './also-sent.js';
import { isRecord } from './coerce.js';

/** The keywords of JSON Schema that say which names an object has. */
interface Shape {
  type?: string;
  anyOf?: Shape[];
  items?: Shape;
  properties?: Record<string, Shape>;
}

/**
 * Prepares the check for names that an endpoint does not know: a mistyped parameter must not be ignored. The check
 * passes over names that existing clients send (`also-sent.ts`), empty names, which clients send as place-holders, and
 * on reads names that only keep caches away.
 *
 * The function returned throws UnknownParameter with the name, and the known one that is nearest to it.
 */
export function prepareUnknownNames(
  endpoint: Endpoint,
): (places: readonly Readonly<Record<string, unknown>>[], input: Readonly<Record<string, unknown>>) => void {
  const { properties } = endpoint.params;
  const isRead = endpoint.access === 'read';
  const known = [
    ...Object.keys(properties),
    ...Object.values(endpoint.spellings ?? {}).flat(),
    ...(endpoint.paged ? PAGE_NAMES : []),
  ];
  const passed = new Set([...known, ...alsoSentTo(endpoint.id), ...(isRead ? PAGE_NAMES : []), '']);
  const nested = Object.entries(properties).map(([name, shape]) => ({
    name,
    shape: shape as Shape,
    alsoSent: alsoSentTo(endpoint.id, name),
  }));
  return (places, input) => {
    for (const name of places.flatMap((place) => Object.keys(place))) {
      if (passed.has(name) || (isRead && isCacheBuster(name))) continue;
      throw new UnknownParameter(
        `unknown parameter ${show(name)}: ${adviceFor(name, known)}`,
        show(name),
        nearestName(name, known),
      );
    }
    for (const { name, shape, alsoSent } of nested) {
      if (name in input) assertKnownFields(shape, input[name], name, alsoSent);
    }
  };
}

function assertKnownFields(shape: Shape, value: unknown, at: string, alsoSent: readonly string[]): void {
  if (Array.isArray(value)) {
    const items = variantFor(shape, 'array')?.items;
    if (items)
      for (const [n, item] of value.entries()) assertKnownFields(items, item, `${at}.${n}`, alsoSent);
    return;
  }
  const properties = isRecord(value) ? variantFor(shape, 'object')?.properties : undefined;
  // An object without declared names may hold any names.
  if (!properties || !isRecord(value)) return;
  for (const [name, field] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property) assertKnownFields(property, field, `${at}.${name}`, alsoSent);
    else if (name !== '' && !alsoSent.includes(name)) {
      const names = Object.keys(properties);
      throw new UnknownParameter(
        `${at} has an unknown field ${show(name)}: ${adviceFor(name, names)}`,
        `${at}.${show(name)}`,
        nearestName(name, names),
      );
    }
  }
}

function variantFor(shape: Shape, type: string): Shape | undefined {
  return shape.anyOf ? shape.anyOf.find((variant) => variant.type === type) : shape;
}

function adviceFor(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? 'none is taken here' : `the nearest known name is ${nearest}`;
}
