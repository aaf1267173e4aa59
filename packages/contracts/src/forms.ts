import { type TSchema, Type } from 'typebox';

/*
 * Forms that bound what travels between services. A limit here is no rule of the system: whoever answers says what a name or a list may
 * be, in words that an operator understands. It only keeps what no honest sender sends from being gone through at all. A test
 * walks every contract and fails where a text or a list has no limit.
 */

/** What the system itself names: processes, streams, tasks. */
export const Word = Type.String({ maxLength: 255 });

/** What people write: names, addresses, descriptions, reasons. */
export const Text = Type.String({ maxLength: 65_536 });

/** What nodes and providers said, as executors pass it on. Earlier releases of them cut nothing, so neither does this. */
export const AnyText = Type.String({ maxLength: 4_194_304 });

/** Members of the longest lists: all nodes of a fleet. */
export const MOST = 1_000_000;

/** A list of any length that a fleet may have. */
export function listOf<Member extends TSchema>(member: Member) {
  return Type.Array(member, { maxItems: MOST });
}

/** Fields that a caller chooses, of any JSON. How deep it goes and how much it is, the bus looks at before it is parsed. */
export const AnyFields = Type.Record(Type.String(), Type.Unknown(), { maxProperties: 10_000 });

/**
 * The places of a schema where a text, a list or a record has no limit, as paths. For tests: what arrives on the wire has none such
 * but for good reasons.
 */
export function unboundedIn(schema: TSchema): string[] {
  const found: string[] = [];
  look(schema, '', found);
  return [...new Set(found)];
}

/** A schema as it is written in JSON. */
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
      // A pattern alone is no limit: it may end with a star.
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
      // Anything at all, and not only the members of a record, whose number is limited.
      if (type === undefined && !anyOf && !allOf && rest.const === undefined && !path.endsWith('{}'))
        found.push(path);
  }
}
