import { nearestName } from '@rigel/contracts/nearest-name';
import { isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { shown } from './mistakes.js';
import type { JsonSchema } from './schema.js';

/** Reports a mistake at a node of the file. */
export type Report = (at: Node | null | undefined, path: string, message: string) => undefined;

/** Values are nested no deeper. */
const MAX_DEPTH = 32;

const WORDS: Record<NonNullable<JsonSchema['type']>, string> = {
  object: 'names with values',
  array: 'a list',
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
};

function typeOf(node: Node | null): NonNullable<JsonSchema['type']> | undefined {
  if (isMap(node)) return 'object';
  if (isSeq(node)) return 'array';
  if (!isScalar(node)) return 'null';
  const { value } = node;
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number';
  if (typeof value === 'boolean' || typeof value === 'string') return typeof value as 'boolean' | 'string';
  return undefined;
}

const scalarOf = (node: Node | null): unknown =>
  isScalar(node) ? node.value : isMap(node) ? '{…}' : isSeq(node) ? '[…]' : null;

/** Texts that people write without quotation marks and that YAML reads as something else. */
const quoted = (node: Node | null): string =>
  isScalar(node) && (typeof node.value === 'number' || typeof node.value === 'boolean')
    ? `; a text of this form needs quotation marks: "${node.source ?? String(node.value)}"`
    : '';

const matches = (type: JsonSchema['type'], found: JsonSchema['type']): boolean =>
  type === undefined || type === found || (type === 'number' && found === 'integer');

/** Checks a value of a file by its schema, and reports each mistake at its place. */
export function checkValue(
  node: Node | null,
  schema: JsonSchema,
  path: string,
  report: Report,
  parent: Node | null = node,
): undefined {
  const at = node ?? parent;
  const say = (message: string) => report(at, path, message);
  if (path.split('.').length > MAX_DEPTH) return say(`is nested more than ${MAX_DEPTH} levels deep`);
  const found = typeOf(node);
  if (schema.anyOf) {
    const own = schema.anyOf.find(({ type }) => matches(type, found));
    if (own) return checkValue(node, own, path, report, parent);
    const types = schema.anyOf.map(({ type }) => WORDS[type ?? 'string']).join(' or ');
    return say(`must be ${types} (got ${shown(scalarOf(node))})${quoted(node)}`);
  }
  if (schema.const !== undefined) {
    if (scalarOf(node) !== schema.const) say(`must be ${schema.const} (got ${shown(scalarOf(node))})`);
    return;
  }
  if (found === undefined || !matches(schema.type, found)) {
    return say(
      `must be ${WORDS[schema.type ?? 'string']} (got ${shown(scalarOf(node))})${schema.type === 'string' ? quoted(node) : ''}`,
    );
  }
  if (isMap(node)) return checkObject(node, schema, path, report);
  if (isSeq(node)) {
    const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items = {} } = schema;
    if (node.items.length < minItems) say(`must have at least ${minItems} entries`);
    if (node.items.length > maxItems)
      return say(`must have at most ${maxItems} entries (has ${node.items.length})`);
    for (const [index, item] of node.items.entries())
      checkValue(item as Node | null, items, `${path}.${index}`, report, node);
    return;
  }
  checkScalar(scalarOf(node), schema, say);
}

function checkScalar(value: unknown, schema: JsonSchema, say: (message: string) => undefined): undefined {
  if (typeof value === 'number') {
    const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
    if (!Number.isFinite(value)) say(`must be a number (got ${value})`);
    else if (Number.isInteger(value) && !Number.isSafeInteger(value))
      say(`has more digits than a number keeps (got ${value}): put it in quotation marks`);
    else if (value < minimum || value > maximum)
      say(`must be from ${minimum} to ${maximum} (got ${shown(value)})`);
  }
  if (typeof value !== 'string') return;
  if (/\0|\p{Cs}/u.test(value)) return say(`has a NUL or a broken character (got ${shown(value)})`);
  if (schema.enum && !schema.enum.includes(value)) {
    const nearest = nearestName(value, schema.enum);
    return say(
      `must be one of ${schema.enum.join(', ')} (got ${shown(value)})${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    );
  }
  const length = [...value].length;
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  if (length < minLength) return say('must not be empty');
  if (length > maxLength)
    return say(`must have at most ${maxLength} characters, not ${length} (got ${shown(value)})`);
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value))
    say(`${schema.patternErrorMessage ?? `must match ${schema.pattern}`} (got ${shown(value)})`);
}

/** The node of a key, where mistakes about it are reported. */
function keysOf(map: YAMLMap): { key: string | undefined; at: Node; value: Node | null }[] {
  return map.items.map(({ key, value }) => ({
    key: isScalar(key) && typeof key.value === 'string' ? key.value : undefined,
    at: (key ?? map) as Node,
    value: value as Node | null,
  }));
}

function checkObject(map: YAMLMap, schema: JsonSchema, path: string, report: Report): undefined {
  const { properties = {}, required = [], additionalProperties = {}, maxProperties } = schema;
  const inside = (name: string) => (path === '' ? name : `${path}.${name}`);
  const known = Object.keys(properties);
  if (maxProperties !== undefined && map.items.length > maxProperties)
    return report(map, path, `must have at most ${maxProperties} names (has ${map.items.length})`);
  const seen = new Set<string>();
  for (const { key, at, value } of keysOf(map)) {
    if (key === undefined) {
      report(at, path, 'has a name that is no text: put it in quotation marks');
      continue;
    }
    seen.add(key);
    const own = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (own) checkValue(value, own, inside(key), report, at);
    else if (additionalProperties !== false) checkValue(value, additionalProperties, inside(key), report, at);
    else {
      const nearest = nearestName(key, known);
      report(
        at,
        path,
        `has no field ${shown(key)}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
      );
    }
  }
  for (const name of required) if (!seen.has(name)) report(map, path, `has no ${name}: the field is needed`);
}
