import t from 'tap';
import { type ApiDescription, httpProblems } from './http-compatibility.js';
import { currentApi } from './kept-releases.js';

/** What a test changes in the description; paths of operations are those of the real API. */
type Edit = (api: ApiDescription) => void;

/** The reasons why the API with a change is incompatible with the one without it. */
function problemsOf(edit: Edit): string[] {
  const changed = structuredClone(currentApi());
  edit(changed);
  return httpProblems(currentApi(), changed);
}

/** A part of the description that a test expects to be there. */
function part<Part>(root: unknown, ...keys: string[]): Part {
  return keys.reduce((value: unknown, key) => (value as Record<string, unknown>)[key], root) as Part;
}

type Fields = { properties: Record<string, object>; required: string[] };

const INCOMPATIBLE: [what: string, edit: Edit, problems: (string | RegExp)[]][] = [
  [
    'a path removed',
    (api) => delete api.paths['/pool/list'],
    [/^GET \/pool\/list: was removed$/, /^POST \/pool\/list: was removed$/],
  ],
  ['a method removed', (api) => delete api.paths['/task/{id}']?.get, ['GET /task/{id}: was removed']],
  [
    'a field of an answer removed',
    (api) => {
      const task = part<Fields>(api.components.schemas, 'Task');
      delete task.properties.task_name;
      task.required = task.required.filter((name) => name !== 'task_name');
    },
    [
      /^POST \/task\/list: answer 200: data\[\]\.task_name: was removed$/,
      /^GET \/pool\/\{id\}\/summary: answer 200: data\.tasks\[\]\.task_name: was removed$/,
    ],
  ],
  [
    'a field of an answer that may be absent',
    (api) => {
      const task = part<Fields>(api.components.schemas, 'Task');
      task.required = task.required.filter((name) => name !== 'task_name');
    },
    [/^POST \/task\/list: answer 200: data\[\]\.task_name: was always there and is optional$/],
  ],
  [
    'the type of a field of an answer',
    (api) => {
      part<Fields>(api.components.schemas, 'Cluster').properties.name = { type: 'integer' };
    },
    [/: answer 200: data.*name: string became integer$/],
  ],
  [
    'a value of an answer removed',
    (api) => {
      part<Fields>(api.components.schemas, 'Task').properties.end_reason = { enum: ['', 'completed'] };
    },
    [/end_reason: the value "timeout" was removed$/],
  ],
  [
    'a value more in an answer',
    (api) => {
      const { end_reason } = part<{ properties: { end_reason: { anyOf: object[] } } }>(
        api.components.schemas,
        'Task',
      ).properties;
      end_reason.anyOf.push({ const: 'lost' });
    },
    [/end_reason: the value "lost" is new, and earlier receivers do not know it$/],
  ],
  [
    'a field of a request that is new and required',
    (api) => {
      const request = part<Fields>(api.components.schemas, 'TaskCreateRequest');
      request.properties.ticket = { type: 'string' };
      request.required.push('ticket');
    },
    [/^POST \/task\/create: body \(application\/json\): ticket: is new and required$/],
  ],
  [
    'a field of a request removed',
    (api) => {
      const request = part<Fields>(api.components.schemas, 'TaskCreateRequest');
      delete request.properties.timeout;
    },
    [/^POST \/task\/create: body \(application\/json\): timeout: was removed$/],
  ],
  [
    'a lower limit in a request',
    (api) => {
      part<Record<string, { maximum: number }>>(
        api.components.schemas,
        'TaskCreateRequest',
        'properties',
        'timeout',
      ).maximum = 60 as never;
    },
    [/^POST \/task\/create: body \(application\/json\): timeout: maximum was 525600 and is 60$/],
  ],
  [
    'a way to send a body removed',
    (api) => {
      const body = part<{ content: Record<string, unknown> }>(
        api.paths,
        '/task/create',
        'post',
        'requestBody',
      );
      delete body.content['application/x-www-form-urlencoded'];
    },
    ['POST /task/create: a body of application/x-www-form-urlencoded is no longer taken'],
  ],
  [
    'a parameter that is new and required',
    (api) => {
      part<{ parameters: object[] }>(api.paths, '/task/{id}', 'get').parameters.push({
        name: 'ticket',
        in: 'query',
        required: true,
      });
    },
    ['GET /task/{id}: query parameter ticket is new and required'],
  ],
  [
    'a parameter removed',
    (api) => {
      const operation = part<{ parameters: { name: string }[] }>(api.paths, '/task/{id}', 'get');
      operation.parameters = operation.parameters.filter(({ name }) => name !== 'wait');
    },
    ['GET /task/{id}: query parameter wait was removed'],
  ],
  [
    'an answer removed',
    (api) => delete part<Record<string, unknown>>(api.paths, '/cluster/{id}', 'get', 'responses')['404'],
    ['GET /cluster/{id}: the answer 404 was removed'],
  ],
  [
    'a higher role',
    (api) => {
      part<{ 'x-role': string }>(api.paths, '/task/create', 'post')['x-role'] = 'admin';
    },
    ['POST /task/create: needs the role admin, before operator'],
  ],
  [
    'a lower limit for bodies',
    (api) => {
      part<{ 'x-max-body': number }>(api.paths, '/task/create', 'post')['x-max-body'] = 1_024;
    },
    ['POST /task/create: takes bodies of 1024 bytes, before 16777216'],
  ],
  [
    'an event of a stream removed',
    (api) => {
      const answer = part(
        api.paths,
        '/task/{id}/events',
        'get',
        'responses',
        '200',
        'content',
        'text/event-stream',
      );
      delete part<Record<string, unknown>>(answer, 'schema', 'x-events').step_failed;
    },
    ['GET /task/{id}/events: answer 200: the event step_failed was removed'],
  ],
  [
    'a field of an event removed',
    (api) => {
      const answer = part(
        api.paths,
        '/task/{id}/events',
        'get',
        'responses',
        '200',
        'content',
        'text/event-stream',
      );
      const event = part<Fields>(answer, 'schema', 'x-events', 'step_failed');
      delete event.properties.reason;
    },
    ['GET /task/{id}/events: answer 200: event step_failed: reason: was removed'],
  ],
];

t.test('the API of today is compatible with itself', async (t) => {
  t.strictSame(
    problemsOf(() => undefined),
    [],
  );
});

for (const [what, edit, problems] of INCOMPATIBLE) {
  t.test(`incompatible: ${what}`, async (t) => {
    const found = problemsOf(edit);
    for (const problem of problems) {
      t.ok(
        found.some((line) => (typeof problem === 'string' ? line === problem : problem.test(line))),
        `${problem} is in ${found.join('; ').slice(0, 1_000)}`,
      );
    }
  });
}

t.test('a type that clients import stays', async (t) => {
  const found = problemsOf((api) => {
    const { Task, ...schemas } = api.components.schemas;
    api.components.schemas = JSON.parse(
      JSON.stringify({ ...schemas, Job: Task }).replaceAll(
        '"#/components/schemas/Task"',
        '"#/components/schemas/Job"',
      ),
    );
    const renamed = JSON.stringify(api).replaceAll(
      '"#/components/schemas/Task"',
      '"#/components/schemas/Job"',
    );
    Object.assign(api, JSON.parse(renamed));
  });
  t.strictSame(found, ['the type Task was removed: clients import it by its name']);
});

t.test('compatible: more of everything that is optional', async (t) => {
  const found = problemsOf((api) => {
    api.paths['/task/{id}/cost'] = { get: { responses: {} } };
    const task = part<Fields>(api.components.schemas, 'Task');
    task.properties.cost = { type: 'integer' };
    task.required.push('cost');
    part<Fields>(api.components.schemas, 'TaskCreateRequest').properties.ticket = { type: 'string' };
    part<Record<string, object>>(api.paths, '/cluster/{id}', 'get', 'responses')['409'] = {
      description: 'New.',
    };
    part<{ 'x-max-body': number }>(api.paths, '/task/create', 'post')['x-max-body'] *= 2;
  });
  t.strictSame(found, []);
});
