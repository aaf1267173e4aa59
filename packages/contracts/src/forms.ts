import { type TSchema, Type } from 'typebox';

/*
 * Forms with limits, for messages between services. A limit here is no rule of the system: the service that answers
 * says what a name or a list may be, in words for operators. It only stops messages that no honest sender sends, before
 * they cost anything. A test walks every contract and fails if a text or a list has no limit.
 */

/** Names that the system gives: of processes, streams, tasks. */
export const Word = Type.String({ maxLength: 255 });

/** Texts that people write: names, addresses, descriptions, reasons. */
export const Text = Type.String({ maxLength: 65_536 });

/** Output of nodes and providers, as executors forward it. Executors of earlier releases do not shorten it. */
export const AnyText = Type.String({ maxLength: 4_194_304 });

/** Members of the longest list: all nodes of a fleet. */
export const MOST = 1_000_000;

/** A list of any length that a fleet may have. */
export function listOf<Member extends TSchema>(member: Member) {
  return Type.Array(member, { maxItems: MOST });
}

/**
 * Fields that a caller chooses, with any JSON as values. The bus limits depth and number of values before it parses
 * them.
 */
export const AnyFields = Type.Record(Type.String(), Type.Unknown(), { maxProperties: 10_000 });

/**
 * The paths of a schema at which a text, a list or a record has no limit. For tests: a message that a service receives
 * has no such path without a good reason.
 */
export function unboundedIn(schema: TSchema): string[] {
  const found: string[] = [];
  look(schema, '', found);
  return [...new Set(found)];
}

/** A JSON Schema. */
interface Written {
  type?: string;
  maxLength?: number;
  maxItems?: number;
  maxProperties?: number;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Written[];
  allOf?: Written[];
  items?: Written | Written[];
  properties?: Record<string, Written>;
  patternProperties?: Record<string, Written>;
}

function look(schema: object, path: string, found: string[]): void {
  const {
    type,
    maxLength,
    maxItems,
    maxProperties,
    anyOf,
    allOf,
    items,
    properties,
    patternProperties,
    ...rest
  } = schema as Written;
  for (const part of [...(anyOf ?? []), ...(allOf ?? [])]) look(part, path, found);
  switch (type) {
    case 'string':
      // A pattern alone is no limit: it may allow any length.
      if (maxLength === undefined && rest.enum === undefined && rest.const === undefined) found.push(path);
      break;
    case 'array':
      if (Array.isArray(items)) {
        for (const [index, item] of items.entries()) look(item, `${path}.${index}`, found);
      } else {
        if (maxItems === undefined) found.push(path);
        if (items) look(items, `${path}[]`, found);
      }
      break;
    case 'object':
      if (patternProperties && maxProperties === undefined) found.push(path);
      for (const [name, part] of Object.entries(properties ?? {}))
        look(part, path ? `${path}.${name}` : name, found);
      for (const part of Object.values(patternProperties ?? {})) look(part, `${path}{}`, found);
      break;
    default:
      // Any value, except as the member of a record, whose number of members is limited.
      if (
        type === undefined &&
        !anyOf &&
        !allOf &&
        rest.const === undefined &&
        rest.enum === undefined &&
        !path.endsWith('{}')
      )
        found.push(path);
  }
}
