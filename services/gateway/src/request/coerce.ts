import type { TSchema } from 'typebox';
import { SpelledNumber, withSpelling } from './spelled-number.js';

/** The keywords of JSON Schema that say which form a value has. */
interface Shape {
  type?: string;
  anyOf?: Shape[];
  items?: Shape;
  properties?: Record<string, Shape>;
  required?: string[];
}

/**
 * Gives a value the form its schema asks for where the API allows another one: numbers as strings of digits, strings
 * as numbers (1.10 as it is spelled), booleans as 0, 1, `true` or `false`, null for an optional field that is absent.
 * Everything else is left as it is, for the validation to refuse.
 */
export function coerce(schema: TSchema, value: unknown): unknown {
  return toShape(schema as Shape, value);
}

function toShape(shape: Shape, value: unknown): unknown {
  if (shape.anyOf) {
    const variant = shape.anyOf.find((candidate) => candidate.type === jsonType(value));
    return variant ? toShape(variant, value) : withSpelling(value);
  }
  switch (shape.type) {
    case 'integer':
      return toInteger(value);
    case 'number':
      return toNumber(numberIn(value));
    case 'string':
      return typeof value === 'number' ? String(value) : withSpelling(value);
    case 'boolean':
      return toBoolean(numberIn(value));
    case 'array': {
      const { items } = shape;
      return Array.isArray(value) && items ? value.map((item) => toShape(items, item)) : withSpelling(value);
    }
    case 'object':
      return isRecord(value) && shape.properties
        ? toObject(shape, shape.properties, value)
        : withSpelling(value);
    default:
      return withSpelling(value);
  }
}

/** A string of digits becomes a number if that is exact. */
export function toInteger(given: unknown): unknown {
  const value = numberIn(given);
  if (typeof value !== 'string' || !/^\s*-?\d+\s*$/.test(value)) return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function numberIn(value: unknown): unknown {
  return value instanceof SpelledNumber ? value.value : value;
}

function toNumber(value: unknown): unknown {
  return typeof value === 'string' && /^\s*-?\d{1,15}(\.\d{1,15})?\s*$/.test(value) ? Number(value) : value;
}

function toBoolean(value: unknown): unknown {
  if (value === 1 || value === '1' || value === 'true') return true;
  if (value === 0 || value === '0' || value === 'false') return false;
  return value;
}

function toObject(
  shape: Shape,
  properties: Record<string, Shape>,
  value: Record<string, unknown>,
): Record<string, unknown> {
  const fields: [string, unknown][] = [];
  for (const [name, field] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (field === null && property && !shape.required?.includes(name)) continue;
    fields.push([name, property ? toShape(property, field) : withSpelling(field)]);
  }
  return Object.fromEntries(fields);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof SpelledNumber)
  );
}

function jsonType(given: unknown): string {
  const value = numberIn(given);
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  return Number.isInteger(value) ? 'integer' : typeof value;
}
