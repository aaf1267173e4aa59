import fc from 'fast-check';
import t from 'tap';
import { endpoints } from './routes/index.js';
import { answerEverything } from './testing/answers.js';
import { startTestGateway } from './testing/gateway.js';

/*
 * Whatever a client sends, it gets the envelope of the API, and never the blame for a fault of ours.
 */

const { app, services, stop } = await startTestGateway();
t.teardown(stop);
answerEverything(services);

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '0',
    '1',
    '-1',
    '9007199254740993',
    1e300,
    [],
    [''],
    {},
    [{ name: 'a', retry: 5 }],
    '\0',
  ),
);
const segment = fc.oneof(
  fc.constantFrom('1', '0', '-1', 'x', '1e3', '99999999999999999999'),
  fc.string({ unit: 'grapheme' }),
);

function bodyFor(names: string[]) {
  const object = fc.dictionary(fc.constantFrom('id', '__proto__', 'page', ...names), value);
  return fc.oneof(
    { weight: 4, arbitrary: object.map((given) => JSON.stringify(given)) },
    {
      weight: 1,
      arbitrary: object.map((given) =>
        Object.entries(given)
          .map(
            ([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
          )
          .join('&'),
      ),
    },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: fc.constant('{"id":'.repeat(100_000)) },
  );
}

for (const endpoint of endpoints) {
  t.test(endpoint.id, async () => {
    const request = fc.record({
      method: fc.constantFrom(...endpoint.methods),
      path: fc.constantFrom(...endpoint.paths),
      segment,
      body: bodyFor(Object.keys(endpoint.params.properties)),
      query: fc.oneof(
        fc.constant(''),
        fc.webQueryParameters().map((text) => `?${text}`),
      ),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, segment, body, query }) => {
        const url = path.replace(/:[^/]+/, () => encodeURIComponent(segment)) + query;
        const response = await app.inject({ method, url, payload: body });
        const { code, msg, data } = response.json();
        const status = response.statusCode;
        if (![200, 400, 404, 405].includes(status)) throw new Error(`status ${status}: ${response.body}`);
        if (code !== (status === 200 ? 0 : status) || typeof msg !== 'string' || data === undefined) {
          throw new Error(`not the envelope: ${response.body}`);
        }
        if (/["\\]/.test(msg)) throw new Error(`not safe to paste into JSON: ${msg}`);
      }),
      { numRuns: 40 },
    );
  });
}
