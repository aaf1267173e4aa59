import type { TSchema } from 'typebox';

/*
 * The parts of the API's description that stand in it once, under a name, and that its operations refer to: the types
 * of the API (`components.schemas`, whose names are those of the types in clients), and the parts that the methods and
 * addresses of one endpoint share.
 */

/** The keywords that may stand beside a reference to a type. */
const REMARKS = ['description', 'default', 'examples'];

/** The named types of an API. */
export class NamedTypes {
  private readonly names = new Map<string, string>();

  /**
   * @param types by name, as the schemas of the endpoints have them.
   * @throws Error when two types are the same: a type is recognised by its content.
   */
  constructor(private readonly types: Record<string, TSchema>) {
    for (const [name, schema] of Object.entries(types)) {
      const content = contentOf(schema);
      const other = this.names.get(content);
      if (other !== undefined) throw new Error(`the types ${other} and ${name} are the same`);
      this.names.set(content, name);
    }
  }

  /** The types as Fastify's shared schemas, which refer to each other. */
  shared(): Record<string, unknown>[] {
    return Object.entries(this.types).map(([name, schema]) => ({
      ...this.replaceInside(schema as Record<string, unknown>),
      $id: name,
    }));
  }

  /** @returns the schema, with references to shared schemas in place of the named types in it. */
  referIn(schema: unknown): unknown {
    if (Array.isArray(schema)) return schema.map((entry) => this.referIn(entry));
    if (!isObject(schema)) return schema;
    const name = this.names.get(contentOf(schema));
    if (name === undefined) return this.replaceInside(schema);
    const reference = { $ref: `${name}#` };
    const remarks = remarksOf(schema);
    // Fastify drops other keywords beside a reference.
    return Object.keys(remarks).length === 0 ? reference : { ...remarks, allOf: [reference] };
  }

  private replaceInside(schema: Record<string, unknown>): Record<string, unknown> {
    // Examples are data, even if they look like a schema.
    return Object.fromEntries(
      Object.entries(schema).map(([key, inner]) => [
        key,
        key === 'example' || key === 'examples' ? inner : this.referIn(inner),
      ]),
    );
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function remarksOf(schema: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => REMARKS.includes(key)));
}

/** The content that makes two schemas the same type: all except the remarks on the whole. */
function contentOf(schema: object): string {
  return JSON.stringify(Object.fromEntries(Object.entries(schema).filter(([key]) => !REMARKS.includes(key))));
}

interface Description {
  components?: Record<string, unknown>;
  paths?: Record<string, Record<string, Operation>>;
}

interface Operation {
  operationId?: string;
  requestBody?: unknown;
  responses?: Record<string, unknown>;
}

/** Adds parts that operations refer to. */
export function addComponents(
  description: Pick<Description, 'components'>,
  kind: 'parameters' | 'responses',
  parts: Record<string, unknown>,
): void {
  const known = description.components?.[kind];
  description.components = { ...description.components, [kind]: { ...(known as object), ...parts } };
}

/** Names the schema of a body, which is the same for both forms, after its endpoint: `TaskCreateRequest`. */
function withNamedBodies({ paths, components = {} }: Description): Record<string, unknown> {
  const schemas = { ...(components.schemas as Record<string, unknown> | undefined) };
  for (const operation of Object.values(paths ?? {}).flatMap((methods) => Object.values(methods))) {
    const { content } = (operation.requestBody ?? {}) as { content?: Record<string, { schema?: unknown }> };
    const name = `${endpointOf(operation).split(/[._]/).map(capitalized).join('')}Request`;
    for (const form of Object.values(content ?? {})) {
      // Operations may share the body itself, which has its name by then.
      if (isObject(form.schema) && '$ref' in form.schema) continue;
      // An address of the endpoint without the id in its path has it in the body.
      const own = [name, `${name}WithId`].find(
        (one) => JSON.stringify(schemas[one] ?? form.schema) === JSON.stringify(form.schema),
      );
      if (own === undefined) continue;
      schemas[own] = form.schema;
      form.schema = { $ref: `#/components/schemas/${own}` };
    }
  }
  return schemas;
}

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/**
 * Gives bodies names, and moves what several operations have in common to `components`: bodies and answers of one
 * endpoint under its id (`task.list`), for answers with the status (`task.list.200`), and answers of several endpoints
 * under the status and a number (`common.409.1`).
 */
export function withSharedParts<T extends Description>(description: T): T {
  const schemas = withNamedBodies(description);
  const requestBodies = new SharedParts('requestBodies');
  const responses = new SharedParts('responses');
  const operations = Object.values(description.paths ?? {}).flatMap((methods) => Object.values(methods));
  for (const pass of ['count', 'move'] as const) {
    for (const operation of operations) {
      const endpoint = endpointOf(operation);
      if (operation.requestBody) {
        operation.requestBody = requestBodies[pass](operation.requestBody, endpoint);
      }
      for (const [status, response] of Object.entries(operation.responses ?? {})) {
        (operation.responses ?? {})[status] = responses[pass](response, `${endpoint}.${status}`);
      }
    }
  }
  const { responses: known } = description.components ?? {};
  description.components = {
    ...description.components,
    schemas,
    requestBodies: requestBodies.moved,
    responses: { ...(known as object), ...responses.moved, ...withCommonAnswers(operations) },
  };
  return description;
}

/** Operations that have the same answer before it is described once for all of them. */
const COMMON = 3;

/** Moves answers that several endpoints have in common. @returns them by name: the status, and a number. */
function withCommonAnswers(operations: readonly Operation[]): Record<string, unknown> {
  const users = new Map<string, Record<string, unknown>[]>();
  for (const { responses = {} } of operations) {
    for (const [status, response] of Object.entries(responses)) {
      if (isReference(response)) continue;
      const key = `${status} ${JSON.stringify(response)}`;
      users.set(key, [...(users.get(key) ?? []), responses]);
    }
  }
  const moved: Record<string, unknown> = {};
  for (const [key, all] of users) {
    if (all.length < COMMON) continue;
    const status = key.slice(0, 3);
    const others = Object.keys(moved).filter((name) => name.startsWith(status)).length;
    const name = `${status}-${others + 1}`;
    moved[name] = all[0]?.[status];
    for (const responses of all) responses[status] = { $ref: `#/components/responses/${name}` };
  }
  return moved;
}

/**
 * The id of an operation is the endpoint's `<resource>.<operation>`, and a part that distinguishes its methods and
 * addresses.
 */
function endpointOf({ operationId = '' }: Operation): string {
  return operationId.split('.').slice(0, 2).join('.');
}

/** A part with fewer characters stays where it is. */
const LEAST_COMMON = 120;

class SharedParts {
  readonly moved: Record<string, unknown> = {};
  private readonly times = new Map<string, number>();
  /** The endpoints of each part, by its text. */
  private readonly owners = new Map<string, Set<string>>();
  /** The names of parts that several endpoints have, and how many there are of each status. */
  private readonly common = new Map<string, string>();
  private readonly numbers = new Map<string, number>();

  constructor(private readonly kind: 'requestBodies' | 'responses') {}

  count(part: unknown, name: string): unknown {
    const key = keyOf(part, name);
    this.times.set(key, (this.times.get(key) ?? 0) + 1);
    const text = JSON.stringify(part);
    this.owners.set(text, (this.owners.get(text) ?? new Set()).add(name));
    return part;
  }

  /** The name of a part that several endpoints have; undefined: one has it, or its name would be as long as the part. */
  private commonName(part: unknown, name: string): string | undefined {
    const text = JSON.stringify(part);
    if (text.length < LEAST_COMMON || (this.owners.get(text)?.size ?? 0) < 2) return undefined;
    const known = this.common.get(text);
    if (known !== undefined) return known;
    const status = name.slice(name.lastIndexOf('.') + 1);
    const number = (this.numbers.get(status) ?? 0) + 1;
    this.numbers.set(status, number);
    this.common.set(text, `common.${status}.${number}`);
    return `common.${status}.${number}`;
  }

  move(part: unknown, name: string): unknown {
    if (isReference(part)) return part;
    const common = this.kind === 'responses' ? this.commonName(part, name) : undefined;
    if (common !== undefined) {
      this.moved[common] = part;
      return { $ref: `#/components/${this.kind}/${common}` };
    }
    if ((this.times.get(keyOf(part, name)) ?? 0) < 2) return part;
    const known = this.moved[name];
    // The endpoint has answers of two forms: the first has the name.
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(part)) return part;
    this.moved[name] = part;
    return { $ref: `#/components/${this.kind}/${name}` };
  }
}

const keyOf = (part: unknown, name: string): string => `${name} ${JSON.stringify(part)}`;

function isReference(part: unknown): boolean {
  return isObject(part) && '$ref' in part;
}
