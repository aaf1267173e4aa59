import { gzipSync } from 'node:zlib';
import type { Case } from '../case.js';
import { type EndpointSpec, type Params, pathParams } from '../endpoint.js';
import { endpoints } from '../endpoints/index.js';
import { type Expectation, type Refusal, reasoned, refusal, saying } from '../expectation.js';
import type { ApiRequest } from '../http.js';
import type { World } from '../world.js';
import { requestOf, sharedValid, successOf } from './requests.js';

/* What is wrong is refused as documented, and says what and which value. */

export function refusingCases(spec: EndpointSpec): Case[] {
  return [
    ...unreadable(spec),
    ...ids(spec),
    ...missing(spec),
    ...wrong(spec),
    ...unknownNames(spec),
    ...unstorable(spec),
    ...methods(spec),
  ];
}

interface UnreadableBody {
  what: string;
  body: string | Uint8Array;
  headers?: Record<string, string>;
  says?: RegExp;
  /** Reads are asked with it, too. */
  reads?: true;
}

const UNREADABLE: readonly UnreadableBody[] = [
  { what: 'broken JSON', body: '{"name": "a", "desc": x}', says: /\b23\b/ },
  { what: 'JSON with a comma too much', body: '{"name": "a",}', says: /\b14\b/, reads: true },
  { what: 'JSON that ends too early', body: '{"name": "a"', says: /end/ },
  { what: 'text after the JSON', body: '{"desc": "a"}", "b"]}', says: /\b14\b/ },
  { what: 'a JSON array', body: '[{"name": "a"}]', says: /object/ },
  { what: 'a JSON string', body: '"name=a"', says: /object/ },
  { what: 'text that is no form', body: 'hello', says: /JSON/, reads: true },
  { what: 'a form with a broken value', body: 'name=%zz', says: /percent/ },
  { what: 'a body that is not UTF-8', body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), says: /UTF-8/ },
  { what: 'a body in UTF-16', body: Buffer.from('\ufeff{"name": "a"}', 'utf16le'), says: /UTF-8/ },
  {
    what: 'a compressed body',
    body: gzipSync('{"name": "a"}'),
    headers: { 'content-encoding': 'gzip' },
    says: /gzip/,
    reads: true,
  },
];

/** Reads do without a body that they cannot read, writes and strict reads refuse it. */
function unreadable(spec: EndpointSpec): Case[] {
  const refuses = spec.access === 'write' || spec.strict === true;
  const bodies = UNREADABLE.filter(({ reads }) => reads || refuses);
  return bodies.map(({ what, body, headers, says }) => ({
    endpoint: spec.id,
    rule: `${what} is ${refuses ? 'refused' : 'ignored'}`,
    run: async (asked) => {
      const valid = requestOf(spec, await sharedValid(spec, asked.world));
      const request: ApiRequest = { ...valid, body, ...(headers ? { headers } : {}) };
      const failure = spec.unreadable ?? spec.refusal;
      // Without its body a read misses what it needs, unless its address has that.
      const needed = Object.entries(spec.params ?? {}).find(([, { required }]) => required)?.[0];
      const ofRead = needed === undefined ? successOf(spec) : saying(spec.refusal, needed);
      const refusal = says ? saying(failure, says) : failure;
      const expected: Expectation = refuses ? refusal : ofRead;
      await asked.expect(request, expected);
    },
  }));
}

const BAD_IDS = ['x', '0', '-1', '1.5', '1e3', '9007199254740993'];

/** The parameter that says which thing is meant, and the first address. */
function target(spec: EndpointSpec): { path: string; name: string } | undefined {
  const [path = ''] = spec.paths;
  const [name] = pathParams(path);
  if (name === 'iplist') return undefined;
  if (name !== undefined) return { path, name };
  return spec.unknownId ? { path, name: 'id' } : undefined;
}

function ids(spec: EndpointSpec): Case[] {
  const found = target(spec);
  if (!found) return [];
  const { name } = found;
  const cases = BAD_IDS.map((id) =>
    refused(spec, `the id ${id}`, () => ({ [name]: id }), spec.badId ?? spec.refusal),
  );
  const { unknownId } = spec;
  if (!unknownId) return cases;
  return [
    ...cases,
    refused(spec, 'an id that nothing has', (world) => ({ [name]: world.unknownId() }), unknownId),
    refused(spec, 'the largest id that there can be', () => ({ [name]: Number.MAX_SAFE_INTEGER }), unknownId),
  ];
}

function refused(
  spec: EndpointSpec,
  what: string,
  change: (world: World) => Params | Promise<Params>,
  expected: Refusal,
): Case {
  return {
    endpoint: spec.id,
    rule: `${what} is refused`,
    run: async (asked) => {
      const params = { ...(await sharedValid(spec, asked.world)), ...(await change(asked.world)) };
      await asked.expect(requestOf(spec, params), expected);
    },
  };
}

const lacking = (spec: EndpointSpec, name: string): Refusal =>
  reasoned(saying(spec.refusal, name), spec.params?.[name]?.absent ?? 'missing', name);

function missing(spec: EndpointSpec): Case[] {
  const cases = Object.entries(spec.params ?? {})
    .filter(([, { required }]) => required)
    .flatMap(([name]) => [
      refused(spec, `no ${name}`, () => ({ [name]: undefined }), lacking(spec, name)),
      refused(spec, `${name} that is null`, () => ({ [name]: null }), lacking(spec, name)),
    ]);
  const { empty } = spec;
  if (!empty) return cases;
  const names = Object.keys(spec.params ?? {});
  const nothing = Object.fromEntries(names.map((name) => [name, undefined]));
  return [
    ...cases,
    refused(spec, 'nothing to change', () => nothing, empty),
    refused(
      spec,
      'nothing to change that is known',
      () => ({ ...nothing, conf_extra: 1 }),
      unknownName(spec),
    ),
  ];
}

function unknownName(spec: EndpointSpec): Refusal {
  const { exact, ...failure } = spec.unknownName ?? spec.unreadable ?? spec.refusal;
  return {
    ...failure,
    text: exact ? '' : failure.text,
    says: 'conf_extra',
    reason: { code: 'unknown_parameter' },
  };
}

/** A mistyped name is never as if it were not there: the nearest known one is named. */
function unknownNames(spec: EndpointSpec): Case[] {
  const failure = unknownName(spec);
  const mistyped = Object.keys(spec.params ?? {}).map((name) =>
    refused(spec, `${name} with a letter too much`, () => ({ [`${name}x`]: 1 }), {
      ...failure,
      says: `nearest known name is ${name}`,
    }),
  );
  return [
    refused(spec, 'a name that is not known', () => ({ conf_extra: { any: [1, null] } }), failure),
    {
      endpoint: spec.id,
      rule: 'a name in the query that is not known is refused',
      run: async (asked) => {
        const request = requestOf(spec, await sharedValid(spec, asked.world));
        await asked.expect({ ...request, query: { ...request.query, conf_extra: '' } }, failure);
      },
    },
    ...mistyped,
  ];
}

function wrong(spec: EndpointSpec): Case[] {
  return (spec.wrong ?? []).map(({ what, change, refusal = spec.refusal, says }) => {
    const first = typeof change === 'function' ? undefined : Object.keys(change)[0];
    const spoken = says ?? (first === 'id' ? undefined : first);
    return refused(
      spec,
      what,
      async (world) => (typeof change === 'function' ? change(world) : change),
      spoken === undefined ? refusal : saying(refusal, spoken),
    );
  });
}

/** The same everywhere: it is counted before anybody knows which parameter it is. */
const TOO_DEEP = refusal(413, 'the body is nested more than 65 levels deep', {});

/** Text that no database keeps, numbers that JSON does not hold exactly, nesting without end. */
function unstorable(spec: EndpointSpec): Case[] {
  const cases: Case[] = [];
  for (const [name, { kind }] of Object.entries(spec.params ?? {})) {
    const bad = saying(spec.refusal, name);
    if (kind === 'text' || kind === 'name') {
      cases.push(refused(spec, `${name} with a NUL`, () => ({ [name]: 'a\0b' }), bad));
      cases.push(refused(spec, `${name} with half a character`, () => ({ [name]: 'a\ud800b' }), bad));
    } else if (kind === 'integer') {
      cases.push(raw(spec, name, '9007199254740993', bad));
      cases.push(raw(spec, name, '1e400', bad));
    } else if (kind === 'structure') {
      cases.push(
        raw(spec, name, `${'['.repeat(10_000)}${']'.repeat(10_000)}`, TOO_DEEP, 'an array 10,000 deep'),
      );
    }
  }
  cases.push({
    endpoint: spec.id,
    rule: 'an array 10,000 deep that nobody asked for is refused',
    run: async (asked) => {
      const request = requestOf(spec, await sharedValid(spec, asked.world));
      const body = JSON.stringify({ ...(request.body as object), conf_extra: 0 });
      const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
      await asked.expect(
        { ...request, body: body.replace('"conf_extra":0', `"conf_extra":${deep}`) },
        TOO_DEEP,
      );
    },
  });
  return cases;
}

/** A value that only JSON text can hold. */
function raw(spec: EndpointSpec, name: string, json: string, expected: Refusal, what = json): Case {
  return {
    endpoint: spec.id,
    rule: `${name} = ${what} is refused`,
    run: async (asked) => {
      const request = requestOf(spec, { ...(await sharedValid(spec, asked.world)), [name]: '@' });
      const body = JSON.stringify(request.body).replace('"@"', json);
      await asked.expect({ ...request, body }, expected);
    },
  };
}

function methods(spec: EndpointSpec): Case[] {
  const wrongOnes = ['PUT', 'PATCH', 'GET', 'POST', 'DELETE'].filter(
    // Endpoints may share an address, each with other methods.
    (method) =>
      !endpoints.some(
        ({ methods, paths }) =>
          paths.some((path) => spec.paths.includes(path)) && (methods as readonly string[]).includes(method),
      ),
  );
  return wrongOnes.flatMap((method) =>
    spec.paths.map((path) => ({
      endpoint: spec.id,
      rule: `${method} ${path} is not allowed`,
      run: async (asked) => {
        const params = await sharedValid(spec, asked.world);
        const request = requestOf(spec, params, { method, path });
        const answer = await asked.expect(request, {
          code: 405,
          text: '',
          data: {},
          reason: { code: 'wrong_method' },
        });
        const allowed = String(answer.headers.allow).split(', ');
        const absent = spec.methods.find((each) => !allowed.includes(each));
        if (absent !== undefined) throw new Error(`Allow must name ${absent}, it is ${answer.headers.allow}`);
      },
    })),
  ) as Case[];
}
