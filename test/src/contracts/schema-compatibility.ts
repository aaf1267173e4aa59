import { isDeepStrictEqual } from 'node:util';

/** A JSON Schema, as TypeBox and OpenAPI 3.1 write it. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  patternProperties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema | Schema[] | boolean;
  prefixItems?: Schema[];
  [keyword: string]: unknown;
}

/** Finds what a `$ref` names. */
export type Resolve = (reference: string) => Schema;

const noReferences: Resolve = (reference) => {
  throw new Error(`the schema has a reference: ${reference}`);
};

/** A schema of an earlier release and the one of today, each with what finds its references. */
export interface SchemaPair {
  before: Schema;
  now: Schema;
  resolveBefore?: Resolve;
  resolveNow?: Resolve;
}

/**
 * Why a receiver of today may refuse or misread what senders of the earlier release send. Compatible are additional optional
 * fields and wider values.
 * @returns one line for each reason: the path and what is wrong there.
 */
export function receiverProblems(pair: SchemaPair): string[] {
  const { before, now, resolveBefore = noReferences, resolveNow = noReferences } = pair;
  return compare({
    wide: now,
    narrow: before,
    resolveWide: resolveNow,
    resolveNarrow: resolveBefore,
    wideIs: 'now',
  });
}

/**
 * Why a receiver of the earlier release may refuse or misread what senders of today send. Compatible are additional fields and
 * tighter limits.
 */
export function senderProblems(pair: SchemaPair): string[] {
  const { before, now, resolveBefore = noReferences, resolveNow = noReferences } = pair;
  return compare({
    wide: before,
    narrow: now,
    resolveWide: resolveBefore,
    resolveNarrow: resolveNow,
    wideIs: 'before',
  });
}

/** Two schemas, of which the wide one must allow all that the narrow one allows. */
interface Comparison {
  wide: Schema;
  narrow: Schema;
  resolveWide: Resolve;
  resolveNarrow: Resolve;
  wideIs: 'now' | 'before';
}

/** Objects are open: a receiver looks past fields that it does not know, unless its schema has `additionalProperties: false`. */
function compare({ wide, narrow, resolveWide, resolveNarrow, wideIs }: Comparison): string[] {
  /** Pairs that are being compared: types may contain themselves. */
  const underWay = new Set<string>();
  const says = (change: { now: string; before: string }): string => change[wideIs];

  function at(path: string, wideSchema: Schema, narrowSchema: Schema): string[] {
    const pair = `${wideSchema.$ref ?? ''} ${narrowSchema.$ref ?? ''}`;
    if (wideSchema.$ref !== undefined && narrowSchema.$ref !== undefined) {
      if (underWay.has(pair)) return [];
      underWay.add(pair);
    }
    try {
      return compareAlternatives(
        path,
        alternatives(wideSchema, resolveWide),
        alternatives(narrowSchema, resolveNarrow),
      );
    } finally {
      underWay.delete(pair);
    }
  }

  /** Each alternative of the narrow schema must fit into one of the wide schema. */
  function compareAlternatives(path: string, wides: Schema[], narrows: Schema[]): string[] {
    const known = valuesOf(wides);
    const problems = narrows.flatMap((one) => {
      if (isValue(one) && known.has(one.const)) return [];
      const attempts: string[][] = [];
      for (const other of wides) {
        const found = compareOne(path, other, one);
        if (found.length === 0) return [];
        attempts.push(found);
      }
      // The alternative that comes nearest is most likely the one that was changed.
      const ofType = attempts.filter((_, index) => isSameType(typeOf(wides[index] ?? {}), typeOf(one)));
      const candidates = ofType.length > 0 ? ofType : attempts;
      return candidates.sort((a, b) => a.length - b.length)[0] ?? [`${path}: no value is left`];
    });
    return wideIs === 'before' ? [...problems, ...removedValues(path, wides, narrows)] : problems;
  }

  /** Values that senders had a name for and no longer send: what receivers do at them never happens again. */
  function removedValues(path: string, wides: Schema[], narrows: Schema[]): string[] {
    if (narrows.some((one) => !isValue(one))) return [];
    const still = valuesOf(narrows);
    return wides
      .filter((other) => isValue(other) && !still.has(other.const))
      .filter((other) => !narrows.some((one) => isDeepStrictEqual(one.const, other.const)))
      .map((other) => removed(path, other.const));
  }

  function compareOne(path: string, other: Schema, one: Schema): string[] {
    if (isAnything(other)) return [];
    if (isValue(other)) {
      if (!isValue(one)) return [`${path}: ${typeOf(one)} instead of ${JSON.stringify(other.const)}`];
      if (isDeepStrictEqual(one.const, other.const)) return [];
      const value = JSON.stringify(one.const);
      return [
        wideIs === 'now'
          ? removed(path, one.const)
          : `${path}: the value ${value} is new, and earlier receivers do not know it`,
      ];
    }
    const [wideType, narrowType] = [typeOf(other), typeOf(one)];
    if (!isSameType(wideType, narrowType)) {
      const types = { now: `${narrowType} became ${wideType}`, before: `${wideType} became ${narrowType}` };
      return [`${path}: ${says(types)}`];
    }
    if (isValue(one)) return [];
    return [...compareLimits(path, other, one), ...compareMembers(path, other, one)];
  }

  function compareLimits(path: string, other: Schema, one: Schema): string[] {
    const problems: string[] = [];
    for (const [keyword, isTighter] of LIMITS) {
      const [limit, wanted] = [other[keyword] as number | undefined, one[keyword] as number | undefined];
      if (limit !== undefined && (wanted === undefined || isTighter(limit, wanted))) {
        const [from, to] = wideIs === 'now' ? [wanted, limit] : [limit, wanted];
        problems.push(`${path}: ${keyword} was ${from ?? 'absent'} and is ${to ?? 'absent'}`);
      }
    }
    // Which of two patterns allows more cannot be computed.
    if (other.pattern !== undefined && other.pattern !== one.pattern) {
      const [from, to] = wideIs === 'now' ? [one.pattern, other.pattern] : [other.pattern, one.pattern];
      problems.push(`${path}: the pattern was ${from ?? 'absent'} and is ${to ?? 'absent'}`);
    }
    return problems;
  }

  function compareMembers(path: string, other: Schema, one: Schema): string[] {
    return [
      ...compareFields(path, other, one),
      ...compareRecords(path, other, one),
      ...compareItems(path, other, one),
    ];
  }

  function compareFields(path: string, other: Schema, one: Schema): string[] {
    const [wideFields, narrowFields] = [other.properties ?? {}, one.properties ?? {}];
    const [wideRequired, narrowRequired] = [other.required ?? [], one.required ?? []];
    const problems: string[] = [];
    for (const name of wideRequired) {
      if (narrowRequired.includes(name)) continue;
      if (name in narrowFields) {
        problems.push(
          `${path}.${name}: ${says({ now: 'was optional and is required', before: 'was always there and is optional' })}`,
        );
      } else if (wideIs === 'now') problems.push(`${path}.${name}: is new and required`);
      // For earlier receivers it was removed, which is found below.
    }
    const [before, now] = wideIs === 'now' ? [narrowFields, wideFields] : [wideFields, narrowFields];
    for (const name of Object.keys(before)) if (!(name in now)) problems.push(`${path}.${name}: was removed`);
    for (const [name, schema] of Object.entries(narrowFields)) {
      const known = wideFields[name];
      if (known) problems.push(...at(`${path}.${name}`, known, schema));
      else if (other.additionalProperties === false && wideIs === 'before') {
        problems.push(`${path}.${name}: is new, and earlier receivers refuse unknown fields`);
      }
    }
    if (wideIs === 'now' && other.additionalProperties === false && one.additionalProperties !== false) {
      problems.push(`${path}: unknown fields are refused now`);
    }
    return problems;
  }

  /** Objects whose names the sender chooses. */
  function compareRecords(path: string, other: Schema, one: Schema): string[] {
    const [wideMember, narrowMember] = [memberOf(other), memberOf(one)];
    return wideMember ? at(`${path}.*`, wideMember, narrowMember ?? {}) : [];
  }

  function compareItems(path: string, other: Schema, one: Schema): string[] {
    const [wideTuple, narrowTuple] = [tupleOf(other), tupleOf(one)];
    if (wideTuple) {
      if (wideTuple.length !== narrowTuple?.length) return [`${path}: the tuple has another length`];
      return wideTuple.flatMap((item, index) => at(`${path}[${index}]`, item, narrowTuple[index] ?? {}));
    }
    const wideItem = itemOf(other);
    if (!wideItem) return [];
    if (narrowTuple) return narrowTuple.flatMap((item, index) => at(`${path}[${index}]`, wideItem, item));
    return at(`${path}[]`, wideItem, itemOf(one) ?? {});
  }

  return [...new Set(at('', wide, narrow))].map((line) => line.replace(/^\./, ''));
}

const removed = (path: string, value: unknown): string =>
  `${path}: the value ${JSON.stringify(value)} was removed`;

/** Keywords that bound a value, and whether the first of two limits is the tighter one. */
const LIMITS: readonly [string, (limit: number, other: number) => boolean][] = [
  ...['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'].map(
    (keyword): [string, (limit: number, other: number) => boolean] => [
      keyword,
      (limit, other) => limit > other,
    ],
  ),
  ...['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'].map(
    (keyword): [string, (limit: number, other: number) => boolean] => [
      keyword,
      (limit, other) => limit < other,
    ],
  ),
];

/** The schemas of which a value must match one, without references, unions and intersections. */
function alternatives(schema: Schema, resolve: Resolve): Schema[] {
  if (schema.$ref !== undefined) return alternatives(resolve(schema.$ref), resolve);
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return union.flatMap((one) => alternatives(one, resolve));
  if (schema.allOf) {
    const { allOf, ...rest } = schema;
    const parts = [rest, ...allOf].map((part) => alternatives(part, resolve));
    return parts.reduce((all, part) => all.flatMap((left) => part.map((right) => joined(left, right))));
  }
  if (Array.isArray(schema.type)) return schema.type.map((type) => ({ ...schema, type }));
  if (schema.enum) return schema.enum.map((value) => ({ const: value }));
  return [schema];
}

/** An object that is both. */
function joined(left: Schema, right: Schema): Schema {
  return {
    ...left,
    ...right,
    ...(left.properties || right.properties
      ? { properties: { ...left.properties, ...right.properties } }
      : {}),
    required: [...(left.required ?? []), ...(right.required ?? [])],
  };
}

/** Whether a schema allows one value only. */
function isValue(schema: Schema): boolean {
  return 'const' in schema;
}

/** The values of schemas that allow one only. They are compared by hundreds, so most are found without a look at each. */
function valuesOf(schemas: readonly Schema[]): Set<unknown> {
  return new Set(schemas.filter(isValue).map((schema) => schema.const));
}

function typeOf({ type, properties, items, ...rest }: Schema): string {
  if ('const' in rest) return typeOfValue(rest.const);
  if (typeof type === 'string') return type;
  if (properties) return 'object';
  return items ? 'array' : 'anything';
}

function typeOfValue(value: unknown): string {
  if (value === null) return 'null';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function isSameType(wide: string, narrow: string): boolean {
  return wide === narrow || (wide === 'number' && narrow === 'integer');
}

/** Keywords that say nothing about which values are allowed. */
const SILENT = ['description', 'title', 'default', 'example', 'examples', 'required'];

function isAnything(schema: Schema): boolean {
  return Object.keys(schema).every((keyword) => SILENT.includes(keyword));
}

function memberOf({ patternProperties, additionalProperties }: Schema): Schema | undefined {
  if (patternProperties) return Object.values(patternProperties)[0];
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

function tupleOf({ items, prefixItems }: Schema): Schema[] | undefined {
  return prefixItems ?? (Array.isArray(items) ? items : undefined);
}

function itemOf({ items }: Schema): Schema | undefined {
  return typeof items === 'object' && !Array.isArray(items) ? items : undefined;
}
