import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify from 'fastify';
import fp from 'fastify-plugin';
import { type TSchema, Type } from 'typebox';
import { DOCS_POLICY } from '../access/security-headers.js';
import { type Endpoint, type Method, roleFor } from '../endpoint.js';
import type { Failure, Failures, Situation } from '../failures.js';
import { alsoSentTo } from '../request/also-sent.js';
import { bodyLimitsOf } from '../request/body-limits.js';
import { namedTypes } from '../routes/named-types.js';
import { SECURITY_SCHEMES, withAccess } from './access.js';
import { NamedTypes, withSharedParts } from './components.js';
import { TAKES_KEY, withKeys } from './keys.js';
import { MAX_BODY, withLimits } from './limits.js';
import { refusalName, refusals } from './refusals.js';
import { NAMES_VERSION, withVersions } from './versions.js';

const DESCRIPTION = `Every answer is one JSON object: code (0, or the HTTP status of the failure), msg, data, and on lists
page, page_size and query_count. A parameter may stand in the path, in the query (numbers, strings and booleans) or in the
body, on every endpoint; the path goes before the body, the body before the query. A body is a JSON object or
form data, recognised by its content whatever Content-Type says; bodies of GET and DELETE are read too. Numbers may come as
strings. An unknown name, also within objects, is refused, and the message names the nearest known one. Where access is on, every request
except those for /healthz and /readyz needs a token (Authorization: Bearer) whose role covers that of the operation (x-role: viewer,
operator, admin); 503 with Retry-After can mean that the token cannot be checked now. Operations that make something take the header
Idempotency-Key, so that a request whose answer was lost can be repeated; task.start refuses the header; all other operations change
nothing more when they are repeated, and ignore it. Each operation limits the size of its body (x-max-body, in bytes): a larger body
is refused with 413 before it is read, and so is one with more members and elements than the operation takes; 503 with Retry-After
can also mean that other bodies, of this client or of all clients, leave no room for this one now.`;

const types = new NamedTypes({ ...namedTypes, ...refusals });

/**
 * Plugin: serves `/openapi.json` and `/docs`. It has to come before the endpoints, because it collects them as they are
 * added.
 */
export const openApi = fp(
  async (app) => {
    for (const type of types.shared()) app.addSchema(type);
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title: 'Rigel', version: '0.1.0', description: DESCRIPTION.replaceAll('\n', ' ') },
        components: { securitySchemes: SECURITY_SCHEMES },
      },
      // Types keep their names; without this they would be def-0 and so on.
      refResolver: { buildLocalReference: ({ $id }) => String($id) },
      transformObject: (document) =>
        withSharedParts(
          withKeys(
            withVersions(
              withLimits(
                withAccess(
                  withOptionalBodies(
                    ('openapiObject' in document ? document.openapiObject : {}) as ApiDescription,
                  ),
                ),
              ),
            ),
          ),
        ),
    });
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { validatorUrl: 'none', docExpansion: 'list' },
      // Without the bar of Swagger UI, in which other documents could be opened.
      theme: {
        title: 'Rigel API',
        css: [{ filename: 'rigel.css', content: '.swagger-ui .topbar { display: none }' }],
      },
      staticCSP: DOCS_POLICY,
    });
    app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  },
  { name: 'openapi' },
);

/** The parts of the description that change after all operations are in it. */
interface ApiDescription {
  paths?: Record<
    string,
    Record<string, { requestBody?: BodyDescription; responses?: Record<string, unknown> }>
  >;
}

interface BodyDescription {
  required?: boolean;
  content: Record<string, { schema?: { required?: string[] } }>;
}

/** A body without required members may be left out. */
function withOptionalBodies(description: ApiDescription): ApiDescription {
  for (const methods of Object.values(description.paths ?? {})) {
    for (const { requestBody } of Object.values(methods)) {
      if (!requestBody) continue;
      requestBody.required = Object.values(requestBody.content).some(
        ({ schema }) => (schema?.required ?? []).length > 0,
      );
    }
  }
  return description;
}

/** The description of an endpoint under one of its methods and addresses, from the schemas that check its requests. */
export function operationOf(endpoint: Endpoint, method: Method, path: string): Record<string, unknown> {
  const { inPath, others } = parametersOf(endpoint, path);
  const scalars = others.filter(([, schema]) => isScalar(schema));
  const inBody = method === 'POST' || scalars.length < others.length;
  const body = method !== 'GET' && inBody && others.length > 0;
  const query = (method === 'GET' ? scalars : body ? [] : others).filter(([, schema]) => isScalar(schema));
  const remarks = [endpoint.notes];
  const alsoSent = alsoSentTo(endpoint.id);
  if (alsoSent.length > 0) remarks.push(`Taken from existing clients and not read: ${alsoSent.join(', ')}.`);
  if (method === 'GET' && scalars.length < others.length) {
    const names = others.filter(([, schema]) => !isScalar(schema)).map(([name]) => name);
    remarks.push(`Needs a JSON body, where these stand: ${names.join(', ')}.`);
  }
  return {
    operationId: operationId(endpoint, method, path),
    tags: [path.split('/')[1] ?? ''],
    summary: endpoint.title,
    security: [{ token: [] }, {}],
    'x-role': roleFor(endpoint),
    [MAX_BODY]: bodyLimitsOf(endpoint).bytes,
    ...(endpoint.key === 'kept' ? { [TAKES_KEY]: true } : {}),
    ...('if_version' in endpoint.params.properties ? { [NAMES_VERSION]: true } : {}),
    description: [...remarks, `Role: ${roleFor(endpoint)}.`]
      .filter((remark) => remark !== undefined)
      .join(' '),
    ...(inPath.length > 0 ? { params: objectOf(inPath) } : {}),
    ...(query.length > 0 ? { querystring: objectOf(query) } : {}),
    ...(body
      ? {
          body: types.referIn(objectOf(others)),
          consumes: ['application/json', 'application/x-www-form-urlencoded'],
        }
      : {}),
    response: {
      200: types.referIn(answerSchema(endpoint, method)),
      ...noContent(endpoint, method),
      ...failureSchemas(endpoint.failures),
    },
  };
}

type Named = [name: string, schema: TSchema];

function parametersOf(endpoint: Endpoint, path: string): { inPath: Named[]; others: Named[] } {
  const segments = path.split('/');
  const named: Named[] = Object.entries(endpoint.params.properties).map(([name, schema]) => [
    name,
    withSpellings(schema, endpoint.spellings?.[name]),
  ]);
  if (endpoint.paged) {
    named.push(['page', Type.Optional(Type.Integer({ default: 1, description: 'Page, from 1.' }))]);
    named.push([
      'page_size',
      Type.Optional(Type.Integer({ default: 10, description: 'Rows on a page, at most 10000.' })),
    ]);
  }
  return {
    inPath: named.filter(([name]) => segments.includes(`:${name}`)),
    others: named.filter(([name]) => !segments.includes(`:${name}`)),
  };
}

/** Adds the other names of a parameter to its description. */
function withSpellings(schema: TSchema, spellings: readonly string[] | undefined): TSchema {
  if (!spellings) return schema;
  const { description } = schema as { description?: string };
  const also = `Also read: ${spellings.join(', ')}.`;
  return { ...schema, description: description ? `${description} ${also}` : also };
}

/** A parameter with a default may be left out. */
function objectOf(named: Named[]): TSchema {
  return Type.Object(
    Object.fromEntries(
      named.map(([name, schema]) => [name, 'default' in schema ? Type.Optional(schema) : schema]),
    ),
  );
}

function isScalar(schema: TSchema): boolean {
  const { type, enum: values } = schema as { type?: string; enum?: unknown };
  return values !== undefined || type === 'string' || type === 'integer' || type === 'boolean';
}

function operationId(endpoint: Endpoint, method: Method, path: string): string {
  const place = endpoint.paths.indexOf(path);
  return [
    endpoint.id,
    ...(method === endpoint.methods[0] ? [] : [method.toLowerCase()]),
    ...(place === 0 ? [] : [String(place + 1)]),
  ].join('.');
}

/** The answer of an endpoint: the envelope, a stream, or either. */
function answerSchema(endpoint: Endpoint, method: Method): object {
  const { events, file } = endpoint;
  if (file)
    return {
      description: 'The file.',
      content: { [file]: { schema: { type: 'string', format: 'binary' } } },
    };
  if (!events || method !== 'GET') return successSchema(endpoint);
  const stream = {
    schema: {
      type: 'string',
      description: `Events, each with id, event and data (JSON). ${Object.keys(events.schema).join(', ')}: see x-events.`,
      'x-events': events.schema,
    },
    example: events.examples
      .map(({ id, event, data }) => `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
      .join(''),
  };
  const { description, examples, ...schema } = successSchema(endpoint) as TSchema & {
    description: string;
    examples: unknown[];
  };
  const envelope = { schema, example: examples[0] };
  return {
    description,
    content: {
      ...(endpoint.streamsOnly ? {} : { 'application/json': envelope }),
      'text/event-stream': stream,
    },
  };
}

function noContent({ events }: Endpoint, method: Method): Record<number, object> {
  if (!events || method !== 'GET') return {};
  return {
    204: { description: 'Last-Event-ID is that of the end, and nothing has come since.', type: 'null' },
  };
}

function successSchema(endpoint: Endpoint): TSchema {
  const paging: Record<string, TSchema> = endpoint.paged
    ? {
        page: Type.Integer(),
        page_size: Type.Integer(),
        query_count: Type.Integer({ description: 'Matching rows over all pages.' }),
      }
    : {};
  const pagingExample = endpoint.paged ? { page: 1, page_size: 10, query_count: 1 } : {};
  const notes: Record<string, TSchema> = endpoint.tellsNotes
    ? {
        notes: Type.Optional(
          Type.Array(Type.String(), {
            description: 'What was saved differently than it was given, and why. Absent where nothing was.',
          }),
        ),
      }
    : {};
  return Type.Object(
    { code: Type.Literal(0), msg: Type.Literal('success'), data: endpoint.result, ...paging, ...notes },
    {
      description: 'Done.',
      examples: [{ code: 0, msg: 'success', data: endpoint.example, ...pagingExample }],
    },
  );
}

const WHEN: Record<Situation | 'otherwise', string> = {
  otherwise: 'any other refusal',
  unreadable: 'the body cannot be read',
  parameter: 'a parameter is missing or wrong',
  unknown: 'the request has a name that is not known here',
  invalid: 'a value is refused',
  blank: 'the list, or an entry of it, is empty',
  not_found: 'it does not exist',
  reference: 'something that the request names does not exist',
  conflict: 'a name or an address is taken',
  in_use: 'something still needs it',
  wrong_state: 'its state does not allow it',
  unavailable: 'the store or a service does not answer',
  busy: 'as many live streams are open, or as many clients wait, as the gateway, or one client, may have (RIGEL_HTTP_STREAMS)',
};

/** One schema for each code, with all its texts and their situations. */
function failureSchemas(failures: Failures): Record<number, object> {
  const schemas: Record<number, object> = {};
  const reasons = reasonsOf(failures);
  for (const { failure } of reasons) {
    if (schemas[failure.code]) continue;
    const same = reasons.filter((reason) => reason.failure.code === failure.code);
    const texts = [...new Set(same.map((reason) => reason.failure.text))].map((text) => {
      const when = same.filter((reason) => reason.failure.text === text).map((reason) => reason.when);
      return `${text || '(the reason)'} — ${when.join('; ')}`;
    });
    const schema = { $ref: `${refusalName(failure.code, failure.data)}#` };
    const example = { code: failure.code, msg: failure.text || 'the reason', data: failure.data };
    schemas[failure.code] = {
      description: `${texts.join('. ')}.`,
      content: { 'application/json': { schema, example } },
    };
  }
  return schemas;
}

function reasonsOf({ parameters, ...situations }: Failures): { failure: Failure; when: string }[] {
  return [
    ...Object.entries(situations).map(([situation, failure]) => ({
      failure,
      when: WHEN[situation as Situation],
    })),
    ...Object.entries(parameters ?? {}).map(([name, failure]) => ({
      failure,
      when: `${name} is missing or wrong`,
    })),
  ];
}

/** The API's description as it is served at `/openapi.json`, without a running system. */
export async function describeApi(endpoints: readonly Endpoint[]): Promise<Record<string, unknown>> {
  const app = Fastify();
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.addHttpMethod('GET', { hasBody: true, overrideExisting: true });
  await app.register(openApi);
  for (const endpoint of endpoints) {
    for (const url of endpoint.paths) {
      for (const method of endpoint.methods) {
        app.route({
          method,
          url,
          handler: async () => undefined,
          schema: operationOf(endpoint, method, url),
        });
      }
    }
  }
  await app.ready();
  const description = app.swagger() as unknown as Record<string, unknown>;
  await app.close();
  return description;
}
