import { readFile } from 'node:fs/promises';
import { assertMatches } from '@rigel/messaging';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import t from 'tap';
import { bodyLimitsOf } from '../request/body-limits.js';
import { endpoints } from '../routes/index.js';
import { startTestGateway } from '../testing/gateway.js';
import { OPENAPI_FILE, printed } from './file.js';
import { describeApi } from './openapi.js';

interface Operation {
  'x-max-body': number;
  operationId: string;
  parameters?: {
    name: string;
    in: string;
    required?: boolean;
    description?: string;
    schema?: { description?: string };
  }[];
  requestBody?: { content: Record<string, { schema: ObjectSchema }> };
  responses: Record<string, { content: Record<string, { schema: unknown; example: { data: unknown } }> }>;
}

const { app, stop } = await startTestGateway();
t.teardown(stop);
const document = (await app.inject('/openapi.json')).json();
const operations = withParts(document.paths) as Record<string, Record<string, Operation>>;

/** The description with what its operations refer to in the place of the references, but for the named types. */
function withParts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withParts);
  if (typeof value !== 'object' || value === null) return value;
  const { $ref } = value as { $ref?: string };
  if ($ref !== undefined && !$ref.startsWith('#/components/schemas/')) return withParts(partAt($ref));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withParts(inner)]));
}

/** What a reference means. */
function partAt(reference: string): unknown {
  const found = reference
    .slice(2)
    .split('/')
    .reduce((part: unknown, key) => (part as Record<string, unknown>)[key], document);
  if (found === undefined) throw new Error(`nothing is at ${reference}`);
  return found;
}

interface ObjectSchema {
  $ref?: string;
  properties: Record<string, { description?: string }>;
  required?: string[];
}

function bodyOf(operation: Operation | undefined): ObjectSchema | undefined {
  const schema = operation?.requestBody?.content['application/json']?.schema;
  return schema?.$ref === undefined ? schema : (partAt(schema.$ref) as ObjectSchema);
}

const operationAt = (path: string, method: string) =>
  operations[path.replaceAll(/:([^/]+)/g, '{$1}')]?.[method.toLowerCase()];

t.test('is valid OpenAPI 3.1', async (t) => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  t.strictSame(result, { valid: true });
  t.equal(validator.version, '3.1');
});

t.test('is the committed file, which pnpm openapi writes', async (t) => {
  t.strictSame(JSON.parse(printed(await describeApi(endpoints))), document, 'with or without a system');
  t.ok((await readFile(OPENAPI_FILE, 'utf8')) === printed(document), 'docs/openapi.json is current');
});

t.test('every example matches its schema, and every parameter has a description', async (t) => {
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'api', components: document.components });
  /** As part of the description, so that its references lead somewhere. */
  const within = (schema: object) =>
    JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"api#/'));
  let count = 0;
  for (const [path, methods] of Object.entries(operations)) {
    for (const [method, operation] of Object.entries(methods)) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        for (const [type, { schema, example }] of Object.entries(content ?? {})) {
          if (type !== 'application/json') continue;
          count++;
          const valid = ajv.validate(within(schema as object), example);
          if (!valid) t.fail(`${method} ${path} ${status}: ${ajv.errorsText()}`);
        }
      }
      const body = Object.entries(bodyOf(operation)?.properties ?? {});
      const named = [
        ...(operation.parameters ?? []).map(({ name, description, schema }) => ({
          name,
          description: description ?? schema?.description,
        })),
        ...body.map(([name, schema]) => ({ name, ...schema })),
      ];
      for (const { name, description } of named) {
        if (!description) t.fail(`${method} ${path}: ${name} has no description`);
      }
    }
  }
  t.ok(count > 250, `${count} examples`);
  for (const { id, events } of endpoints) {
    for (const { event, data } of events?.examples ?? []) {
      t.ok(ajv.validate(events?.schema[event] as object, data), `${id} ${event}: ${ajv.errorsText()}`);
    }
  }
});

t.test('describes every endpoint at all its addresses and methods, and nothing else', async (t) => {
  const described = Object.entries(operations).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{([^}]+)\}/g, ':$1')}`),
  );
  const served = endpoints.flatMap(({ paths, methods }) =>
    paths.flatMap((path) => methods.map((method) => `${method} ${path}`)),
  );
  t.strictSame(described.sort(), served.sort());
});

t.test('a type stands once, under its name', async (t) => {
  const text = JSON.stringify(document);
  for (const name of Object.keys(document.components.schemas)) {
    t.ok(text.includes(`"#/components/schemas/${name}"`), `${name} is used`);
  }
  const places = new Map<string, string[]>();
  const walk = (value: unknown, place: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const { type, properties } = value as { type?: string; properties?: object };
    const names = Object.keys(properties ?? {});
    // A few fields may be alike by chance; the envelope is the same everywhere.
    if (type === 'object' && names.length > 3 && !names.includes('msg')) {
      const { description: _, ...content } = value as { description?: string };
      const text = JSON.stringify(content);
      places.set(text, [...(places.get(text) ?? []), place]);
    }
    for (const [key, inner] of Object.entries(value)) {
      // Some events of a stream tell the same of something else.
      if (key !== 'x-events') walk(inner, `${place}/${key}`);
    }
  };
  walk(document, '');
  t.strictSame(
    [...places.values()].filter(({ length }) => length > 1),
    [],
    'types that stand more than once: name them in routes/named-types.ts',
  );
  t.ok(printed(document).length <= 500_000, `the file has ${printed(document).length} characters`);
});

t.test('operation ids are unique', async (t) => {
  const ids = Object.values(operations).flatMap((methods) =>
    Object.values(methods).map((o) => o.operationId),
  );
  t.equal(new Set(ids).size, ids.length);
});

for (const endpoint of endpoints) {
  t.test(endpoint.id, async (t) => {
    t.doesNotThrow(() => assertMatches(endpoint.result, endpoint.example), 'its example is one');
    for (const path of endpoint.paths) {
      for (const method of endpoint.methods) {
        const operation = operationAt(path, method);
        const body = bodyOf(operation);
        const named = new Set([
          ...(operation?.parameters ?? []).map(({ name }) => name),
          ...Object.keys(body?.properties ?? {}),
        ]);
        for (const [name, schema] of Object.entries(endpoint.params.properties)) {
          const scalar = !['array', 'object', undefined].includes((schema as { type?: string }).type);
          // OpenAPI has no words for the body of a GET.
          if (method === 'GET' && !scalar && !('enum' in schema)) continue;
          t.ok(named.has(name), `${method} ${path} has ${name}`);
        }
        t.equal(
          named.has('Idempotency-Key'),
          endpoint.key === 'kept',
          `${method} ${path} says what it keeps`,
        );
        t.equal(operation?.['x-max-body'], bodyLimitsOf(endpoint).bytes, `${method} ${path} says how large`);
        const success = operation?.responses['200']?.content['application/json'];
        if (success || (!endpoint.streamsOnly && !endpoint.file)) {
          t.strictSame(success?.example.data, endpoint.example, `${method} ${path} shows the example`);
        }
        const codes = Object.values(endpoint.failures).flatMap((failure) =>
          'code' in failure && typeof failure.code === 'number' ? [String(failure.code)] : [],
        );
        t.strictSame(
          Object.keys(operation?.responses ?? {}).sort(),
          [
            ...new Set([
              '200',
              '401',
              '403',
              ...(operation?.requestBody ? ['413'] : []),
              '429',
              ...(endpoint.events && method === 'GET' ? ['204'] : []),
              ...(endpoint.key === 'kept' || 'if_version' in endpoint.params.properties ? ['409'] : []),
              ...codes,
            ]),
          ].sort(),
        );
      }
    }
  });
}

t.test('parameters with a default are not required', async (t) => {
  const body = bodyOf(operationAt('/task/create', 'POST'));
  t.strictSame(body?.required?.sort(), ['task_name', 'template_id']);
});

t.test('the page for people comes from this server alone', async (t) => {
  for (const url of ['/docs', '/docs/']) {
    const page = await app.inject(url);
    t.equal(page.statusCode, 200);
    t.match(page.headers['content-type'], /^text\/html/);
    const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
    t.ok(links.length > 3);
    for (const link of links) {
      t.match(link, /^\/docs\//);
      t.equal((await app.inject(link)).statusCode, 200, link);
    }
  }
  t.match((await app.inject('/docs/json')).json(), { openapi: '3.1.0' });
});
