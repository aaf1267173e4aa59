import fc from 'fast-check';
import { type EndpointSpec, type Params, pathParams } from './endpoint.js';
import { envelopeProblems } from './expectation.js';
import { type ApiRequest, type ApiSender, showAnswer, showRequest } from './http.js';
import type { World } from './world.js';

/*
 * Generated requests, some almost right, some nonsense: whatever is sent, the answer is in the envelope and no fault of the
 * server, and a refusal has changed nothing.
 */

const STATUSES = new Set([200, 400, 404, 413, 405]);

const nonsense = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom<unknown>(
    '',
    ' ',
    '0',
    1,
    -1,
    0.5,
    '9007199254740993',
    1e300,
    null,
    true,
    [],
    [''],
    ['127.0.0.1:9', '127.0.0.1:9'],
    [1, 2],
    {},
    [{}],
    [{ name: 'create_vm' }],
    [{ name: 'create_vm', retry: 5 }],
    '\0',
    'x'.repeat(300),
    { action: { module: 'shell', args: 'echo {{' } },
    { expand: 1, deploy: 'x' },
  ),
);

const idLike = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('0', '-1', 'x', '1e3', '99999999999999999999', ' 1', '%', '..') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }) },
);

/** Requests for an endpoint: a valid one with some parameters replaced, left out or misplaced, or bytes of any kind. */
function requestsFor(spec: EndpointSpec, valid: Params): fc.Arbitrary<ApiRequest> {
  const names = [
    ...new Set([...Object.keys(spec.params ?? {}), ...Object.keys(valid), 'id', 'page', 'by', 'name']),
  ];
  const changes = fc.dictionary(fc.constantFrom(...names, '__proto__', 'constructor'), nonsense, {
    maxKeys: 3,
  });
  const left = fc.subarray(names, { maxLength: 2 });
  const body = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(changes, left).map(([changed, absent]) => {
        const entries = Object.entries({ ...valid, ...changed }).filter(([name]) => !absent.includes(name));
        return JSON.stringify(Object.fromEntries(entries));
      }),
    },
    {
      weight: 1,
      arbitrary: changes.map((changed) =>
        Object.entries(changed)
          .map(
            ([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
          )
          .join('&'),
      ),
    },
    { weight: 1, arbitrary: fc.string({ maxLength: 100 }) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    { weight: 1, arbitrary: fc.constant('{"id":'.repeat(100_000)) },
  );
  return fc
    .record({
      method: fc.constantFrom(...spec.methods),
      path: fc.constantFrom(...spec.paths),
      id: idLike,
      body,
      query: fc.oneof(
        { weight: 3, arbitrary: fc.constant({}) },
        {
          weight: 1,
          arbitrary: fc.dictionary(fc.constantFrom(...names), fc.string({ maxLength: 20 }), { maxKeys: 2 }),
        },
      ),
    })
    .map(({ path, id, query, ...rest }) => ({
      ...rest,
      query,
      path: pathParams(path).reduce(
        (address, name) => address.replace(`:${name}`, () => encodeURIComponent(id)),
        path,
      ),
    }));
}

/**
 * Sends generated requests to one endpoint.
 * @param kept all that requests have made so far, as text.
 * @param count how many.
 * @throws Error with the smallest request found whose answer is wrong, or whose refusal changed something.
 */
export async function sendGenerated(
  spec: EndpointSpec,
  options: { sender: ApiSender; world: World; kept: () => Promise<string>; count: number },
): Promise<void> {
  const { sender, world, kept, count } = options;
  const valid = await spec.valid(world);
  let before = spec.access === 'write' ? await kept() : '';
  const send = async (request: ApiRequest): Promise<void> => {
    const answer = await sender.send(request);
    const shown = `${showRequest(request)} -> ${showAnswer(answer)}`;
    if (!STATUSES.has(answer.status)) throw new Error(`not a documented status: ${shown}`);
    const problems = envelopeProblems(answer);
    if (problems.length > 0) throw new Error(`${problems.join('; ')}: ${shown}`);
    if (spec.access === 'read') return;
    const after = await kept();
    const changed = after !== before;
    const was = before;
    before = after;
    if (changed && answer.status !== 200) {
      throw new Error(`a refusal has changed something: ${shown}\nbefore:\n${was}\nafter:\n${after}`);
    }
  };
  await fc.assert(fc.asyncProperty(requestsFor(spec, valid), send), { numRuns: count, endOnFailure: true });
}
