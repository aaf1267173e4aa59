import type { Case } from '../case.js';
import { type EndpointSpec, type Params, pathParams } from '../endpoint.js';
import { requestOf, successOf, takesStructures } from './requests.js';

/* Every way in which a request may be sent leads to the same success. */

type Rewrite = (params: Params) => Params;

export function sendingCases(spec: EndpointSpec): Case[] {
  return [
    ...spec.paths.flatMap((path) => spec.methods.map((method) => plain(spec, method, path))),
    ...numbersAsText(spec),
    ...textsAsNumbers(spec),
    ...flags(spec),
    ...elsewhere(spec),
    ...beside(spec),
    ...ends(spec),
    overridden(spec),
    ...precedence(spec),
    ...optional(spec),
    ...spelled(spec),
  ];
}

function sent(spec: EndpointSpec, rule: string, rewrite: Rewrite): Case {
  return {
    endpoint: spec.id,
    rule,
    run: async (asked) => {
      const params = rewrite(await spec.valid(asked.world));
      await asked.expect(requestOf(spec, params), successOf(spec));
    },
  };
}

/** What clients send beside the parameters, and what keeps caches away from reads. */
function beside(spec: EndpointSpec): Case[] {
  const { alsoSent } = spec;
  const cases: Case[] = [];
  if (alsoSent) {
    const names = Object.keys(alsoSent).join(', ');
    cases.push(
      sent(spec, `with ${names}, as existing clients send it`, (params) => ({ ...params, ...alsoSent })),
    );
  }
  if (spec.access !== 'read') return cases;
  return [
    ...cases,
    {
      endpoint: spec.id,
      rule: 'what keeps caches away is passed over, and pages where there are none',
      run: async (asked) => {
        const request = requestOf(spec, await spec.valid(asked.world));
        const query = { ...request.query, _: '1501162794000', page: '1', page_size: '10' };
        await asked.expect({ ...request, query }, successOf(spec));
      },
    },
  ];
}

function plain(spec: EndpointSpec, method: string, path: string): Case {
  return {
    endpoint: spec.id,
    rule: `${method} ${path}`,
    run: async (asked) => {
      const params = await spec.valid(asked.world);
      await asked.expect(requestOf(spec, params, { method, path }), successOf(spec, method));
    },
  };
}

function namesOf(spec: EndpointSpec, ...kinds: string[]): string[] {
  return Object.entries(spec.params ?? {})
    .filter(([, { kind }]) => kinds.includes(kind))
    .map(([name]) => name);
}

function numbersAsText(spec: EndpointSpec): Case[] {
  const names = namesOf(spec, 'integer');
  if (names.length === 0) return [];
  return [
    sent(spec, 'integers as text', (params) => ({
      ...params,
      ...Object.fromEntries(
        names.flatMap((name) => (params[name] === undefined ? [] : [[name, String(params[name])]])),
      ),
    })),
  ];
}

/** Texts that are one of a few words, or a time: no number is. */
const NO_NUMBERS = new Set(['type', 'exec_type', 'role', 'expires', 'from', 'to', 'event']);

function textsAsNumbers(spec: EndpointSpec): Case[] {
  const names = namesOf(spec, 'text').filter((name) => !NO_NUMBERS.has(name));
  if (names.length === 0) return [];
  const numbers = Object.fromEntries(names.map((name) => [name, 7]));
  return [sent(spec, 'texts as numbers', (params) => ({ ...params, ...numbers }))];
}

function flags(spec: EndpointSpec): Case[] {
  return namesOf(spec, 'flag').flatMap((name) =>
    [false, 0, '0', 'false'].map((value) =>
      sent(spec, `${name} as ${JSON.stringify(value)}`, (params) => ({ ...params, [name]: value })),
    ),
  );
}

function elsewhere(spec: EndpointSpec): Case[] {
  const places = takesStructures(spec) ? (['query'] as const) : (['query', 'form'] as const);
  return places.flatMap((place) =>
    spec.methods.map((method) => ({
      endpoint: spec.id,
      rule:
        place === 'query'
          ? `${method}: parameters in the query`
          : `${method}: parameters as a form that is labelled as JSON`,
      run: async (asked) => {
        const params = await spec.valid(asked.world);
        const request = requestOf(spec, params, { method, place });
        // With nothing to say there is no form: what is known anyway will do.
        if (place === 'form' && request.body === undefined) {
          const [inPath] = pathParams(spec.paths[0] ?? '');
          // Nothing at all can be said to it.
          if (spec.access === 'write' && inPath === undefined) return;
          request.body = spec.access === 'read' ? 'page=1' : `${inPath}=x`;
        }
        // What GET would create without a body is refused, and has a case of its own.
        if (spec.access === 'write' && method === 'GET' && request.body === undefined) request.body = ' ';
        await asked.expect(request, successOf(spec, method));
      },
    })),
  ) as Case[];
}

function ends(spec: EndpointSpec): Case[] {
  return ['/', '%20/'].map((end) => ({
    endpoint: spec.id,
    rule: `the address ends with ${end}`,
    run: async (asked) => {
      const request = requestOf(spec, await spec.valid(asked.world));
      await asked.expect({ ...request, path: request.path + end }, successOf(spec));
    },
  }));
}

function overridden(spec: EndpointSpec): Case {
  const [method = 'POST'] = spec.methods;
  const other = method === 'POST' ? 'DELETE' : 'POST';
  return {
    endpoint: spec.id,
    rule: 'X-HTTP-Method-Override is ignored',
    run: async (asked) => {
      const headers = { 'X-HTTP-Method-Override': other };
      await asked.expect(requestOf(spec, await spec.valid(asked.world), { headers }), successOf(spec));
    },
  };
}

/** The path goes before the body, the body before the query. */
function precedence(spec: EndpointSpec): Case[] {
  const [path = ''] = spec.paths;
  const [inPath] = pathParams(path);
  if (inPath !== undefined && inPath !== 'iplist') {
    return [
      {
        endpoint: spec.id,
        rule: 'the id in the path goes before those in body and query',
        run: async (asked) => {
          const { world } = asked;
          const request = requestOf(spec, await spec.valid(world));
          const body = { ...(request.body as object), [inPath]: world.unknownId() };
          await asked.expect({ ...request, body, query: { [inPath]: 'x' } }, successOf(spec));
        },
      },
    ];
  }
  const [integer] = namesOf(spec, 'integer');
  if (integer === undefined) return [];
  return [
    {
      endpoint: spec.id,
      rule: 'the body goes before the query',
      run: async (asked) => {
        const request = requestOf(spec, await spec.valid(asked.world));
        await asked.expect({ ...request, query: { [integer]: 'x' } }, successOf(spec));
      },
    },
  ];
}

/** What may be left out is left out, or null. */
function optional(spec: EndpointSpec): Case[] {
  const names = Object.entries(spec.params ?? {})
    .filter(([, { required }]) => !required)
    .map(([name]) => name);
  if (names.length === 0) return [];
  if (!spec.empty) {
    return [
      sent(spec, 'optional parameters are left out', (params) => ({
        ...params,
        ...Object.fromEntries(
          names.map((name) => [name, name === 'auto' || name === 'nodes' ? params[name] : undefined]),
        ),
      })),
      sent(spec, 'null means absent', (params) => ({
        ...params,
        ...Object.fromEntries(
          names.map((name) => [name, name === 'auto' || name === 'nodes' ? params[name] : null]),
        ),
      })),
    ];
  }
  // An update: each one alone, the others absent or null.
  return names.flatMap((name) => [
    sent(spec, `${name} alone is changed`, (params) => ({
      ...params,
      ...Object.fromEntries(names.filter((each) => each !== name).map((each) => [each, undefined])),
    })),
    sent(spec, `${name} alone is changed, the others are null`, (params) => ({
      ...params,
      ...Object.fromEntries(names.filter((each) => each !== name).map((each) => [each, null])),
    })),
  ]);
}

function spelled(spec: EndpointSpec): Case[] {
  return Object.entries(spec.spellings ?? {}).flatMap(([name, other]) => [
    sent(spec, `${name} is also read as ${other}`, (params) => ({
      ...params,
      [name]: undefined,
      [other]: params[name],
    })),
    sent(spec, `${name} goes before ${other}`, (params) => ({ ...params, [other]: 'x' })),
  ]);
}
