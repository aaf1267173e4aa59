import { readFile } from 'node:fs/promises';
import { assertMatches } from '@rigel/messaging';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import t from 'tap';
import { describeApi } from './openapi.js';
import { OPENAPI_FILE, printed } from './openapi-file.js';
import { endpoints } from './routes/index.js';
import { startTestGateway } from './testing/gateway.js';

interface Operation {
  operationId: string;
  parameters?: {
    name: string;
    in: string;
    required?: boolean;
    description?: string;
    schema?: { description?: string };
  }[];
  requestBody?: {
    content: Record<string, { schema: { properties: Record<string, unknown>; required?: string[] } }>;
  };
  responses: Record<string, { content: Record<string, { schema: unknown; example: { data: unknown } }> }>;
}

const { app, stop } = await startTestGateway();
t.teardown(stop);
const document = (await app.inject('/openapi.json')).json();
const operations: Record<string, Record<string, Operation>> = document.paths;

const operationAt = (path: string, method: string) =>
  operations[path.replaceAll(/:([^/]+)/g, '{$1}')]?.[method.toLowerCase()];

t.test('is valid OpenAPI 3.1', async (t) => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  t.strictSame(result, { valid: true });
  t.equal(validator.version, '3.1');
});

t.test('is what is committed: pnpm openapi writes it', async (t) => {
  t.strictSame(JSON.parse(printed(await describeApi(endpoints))), document, 'with or without a system');
  t.ok((await readFile(OPENAPI_FILE, 'utf8')) === printed(document), 'docs/openapi.json is current');
});

t.test('every example is what its schema says, and every parameter is described', async (t) => {
  const ajv = new Ajv2020({ strict: false });
  let count = 0;
  for (const [path, methods] of Object.entries(operations)) {
    for (const [method, operation] of Object.entries(methods)) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        for (const [type, { schema, example }] of Object.entries(content ?? {})) {
          if (type !== 'application/json') continue;
          count++;
          const valid = ajv.validate(schema as object, example);
          if (!valid) t.fail(`${method} ${path} ${status}: ${ajv.errorsText()}`);
        }
      }
      const body = Object.entries(
        operation.requestBody?.content['application/json']?.schema.properties ?? {},
      );
      const named = [
        ...(operation.parameters ?? []).map(({ name, description, schema }) => ({
          name,
          description: description ?? schema?.description,
        })),
        ...body.map(([name, schema]) => ({ name, ...(schema as { description?: string }) })),
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
        const body = operation?.requestBody?.content['application/json']?.schema;
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
        const success = operation?.responses['200']?.content['application/json'];
        if (success || !endpoint.streamsOnly) {
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
              '429',
              ...(endpoint.events && method === 'GET' ? ['204'] : []),
              ...(endpoint.key === 'kept' ? ['409'] : []),
              ...codes,
            ]),
          ].sort(),
        );
      }
    }
  });
}

t.test('parameters with a default are not required', async (t) => {
  const body = operationAt('/task/create', 'POST')?.requestBody?.content['application/json']?.schema;
  t.strictSame(body?.required?.sort(), ['nodes', 'task_name', 'template_id']);
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
