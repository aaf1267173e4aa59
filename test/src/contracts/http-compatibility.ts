import { type Resolve, receiverProblems, type Schema, senderProblems } from './schema-compatibility.js';

/** An OpenAPI 3.1 description, as far as it is compared. */
export interface ApiDescription {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, unknown>> & { schemas: Record<string, Schema> };
}

type Content = Record<string, { schema?: Schema }>;

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: Schema;
}

interface Operation {
  parameters?: (Parameter | Reference)[];
  requestBody?: { required?: boolean; content: Content } | Reference;
  responses: Record<string, { content?: Content; headers?: Record<string, unknown> } | Reference>;
  'x-role'?: string;
  'x-max-body'?: number;
}

interface Reference {
  $ref: string;
}

const ROLES = ['viewer', 'operator', 'admin'];

/**
 * Why clients that were written for an earlier release may fail with the API of today. The server is newer than its clients, never
 * older: requests of the earlier release must be accepted, and answers must have what they had.
 * @returns one line for each reason; empty when only optional things were added.
 */
export function httpProblems(before: ApiDescription, now: ApiDescription): string[] {
  const names = Object.keys(before.components.schemas).filter((name) => !(name in now.components.schemas));
  const problems = names.map((name) => `the type ${name} was removed: clients import it by its name`);
  for (const [path, operations] of Object.entries(before.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const current = now.paths[path]?.[method];
      const found = current ? new OperationPair(before, now).problems(operation, current) : ['was removed'];
      problems.push(...found.map((problem) => `${method.toUpperCase()} ${path}: ${problem}`));
    }
  }
  return problems;
}

class OperationPair {
  private readonly resolveBefore: Resolve;
  private readonly resolveNow: Resolve;

  constructor(before: ApiDescription, now: ApiDescription) {
    this.resolveBefore = (reference) => partAt(before, reference) as Schema;
    this.resolveNow = (reference) => partAt(now, reference) as Schema;
  }

  problems(before: Operation, now: Operation): string[] {
    return [
      ...this.parameterProblems(before, now),
      ...this.bodyProblems(before, now),
      ...this.answerProblems(before, now),
      ...rightsAndLimits(before, now),
    ];
  }

  private was<T>(part: T | Reference): T {
    return isReference(part) ? (this.resolveBefore(part.$ref) as T) : part;
  }

  private is<T>(part: T | Reference): T {
    return isReference(part) ? (this.resolveNow(part.$ref) as T) : part;
  }

  private accepts(before: Schema | undefined, now: Schema | undefined): string[] {
    const { resolveBefore, resolveNow } = this;
    return receiverProblems({ before: before ?? {}, now: now ?? {}, resolveBefore, resolveNow });
  }

  private answers(before: Schema | undefined, now: Schema | undefined): string[] {
    const { resolveBefore, resolveNow } = this;
    return senderProblems({ before: before ?? {}, now: now ?? {}, resolveBefore, resolveNow });
  }

  private parameterProblems(before: Operation, now: Operation): string[] {
    const known = (before.parameters ?? []).map((parameter) => this.was<Parameter>(parameter));
    const current = (now.parameters ?? []).map((parameter) => this.is<Parameter>(parameter));
    const same = (a: Parameter) => (b: Parameter) => a.name === b.name && a.in === b.in;
    const problems = known.flatMap((parameter) => {
      const found = current.find(same(parameter));
      const where = `${parameter.in} parameter ${parameter.name}`;
      if (!found) return [`${where} was removed`];
      if (found.required && !parameter.required) return [`${where} was optional and is required`];
      return this.accepts(parameter.schema, found.schema).map((problem) => `${where}: ${problem}`);
    });
    const added = current.filter((parameter) => parameter.required && !known.some(same(parameter)));
    return [
      ...problems,
      ...added.map(({ in: where, name }) => `${where} parameter ${name} is new and required`),
    ];
  }

  private bodyProblems(before: Operation, now: Operation): string[] {
    const known =
      before.requestBody && this.was<{ required?: boolean; content: Content }>(before.requestBody);
    const current = now.requestBody && this.is<{ required?: boolean; content: Content }>(now.requestBody);
    if (!current) return known ? ['the body was removed'] : [];
    if (current.required && !known?.required) return ['a body is required now'];
    return Object.entries(known?.content ?? {}).flatMap(([type, { schema }]) => {
      const found = current.content[type];
      if (!found) return [`a body of ${type} is no longer taken`];
      return this.accepts(schema, found.schema).map((problem) => `body (${type}): ${problem}`);
    });
  }

  private answerProblems(before: Operation, now: Operation): string[] {
    return Object.entries(before.responses).flatMap(([status, response]) => {
      const answer = now.responses[status];
      if (!answer) return [`the answer ${status} was removed`];
      const [known, current] = [this.was(response), this.is(answer)] as {
        content?: Content;
        headers?: Record<string, unknown>;
      }[];
      const headers = Object.keys(known?.headers ?? {}).filter((name) => !(name in (current?.headers ?? {})));
      const contents = Object.entries(known?.content ?? {}).flatMap(([type, { schema }]) => {
        const found = current?.content?.[type];
        if (!found) return [`is no longer given as ${type}`];
        return [...this.answers(schema, found.schema), ...this.eventProblems(schema, found.schema)];
      });
      return [...headers.map((name) => `the header ${name} was removed`), ...contents].map(
        (problem) => `answer ${status}: ${problem}`,
      );
    });
  }

  /** Of an answer that is a stream of events. */
  private eventProblems(before: Schema | undefined, now: Schema | undefined): string[] {
    const events = Object.entries((before?.['x-events'] ?? {}) as Record<string, Schema>);
    return events.flatMap(([name, schema]) => {
      const current = (now?.['x-events'] as Record<string, Schema> | undefined)?.[name];
      if (!current) return [`the event ${name} was removed`];
      return this.answers(schema, current).map((problem) => `event ${name}: ${problem}`);
    });
  }
}

function rightsAndLimits(before: Operation, now: Operation): string[] {
  const problems: string[] = [];
  const [role, needed] = [before['x-role'], now['x-role']];
  if (role !== undefined && needed !== undefined && ROLES.indexOf(needed) > ROLES.indexOf(role)) {
    problems.push(`needs the role ${needed}, before ${role}`);
  }
  const [limit, lower] = [before['x-max-body'], now['x-max-body']];
  if (limit !== undefined && lower !== undefined && lower < limit) {
    problems.push(`takes bodies of ${lower} bytes, before ${limit}`);
  }
  return problems;
}

function isReference(part: unknown): part is Reference {
  return typeof (part as Reference | undefined)?.$ref === 'string';
}

function partAt(description: ApiDescription, reference: string): unknown {
  const keys = reference.replace(/^#\//, '').split('/');
  const found = keys.reduce(
    (part: unknown, key) => (part as Record<string, unknown> | undefined)?.[key],
    description,
  );
  if (found === undefined) throw new Error(`nothing is at ${reference}`);
  return found;
}
