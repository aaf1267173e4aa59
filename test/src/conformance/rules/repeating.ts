import { randomUUID } from 'node:crypto';
import { type Asked, type Case, WrongAnswer } from '../case.js';
import type { EndpointSpec, Params } from '../endpoint.js';
import { type Refusal, refusal } from '../expectation.js';
import type { ApiAnswer, ApiRequest } from '../http.js';
import type { World } from '../world.js';
import { requestOf, successOf } from './requests.js';

/* A request that names itself by the header Idempotency-Key is carried out once, however often it comes. */

const reused: Refusal = { ...refusal(409, '', {}), says: 'Idempotency-Key' };
const wrongHeader: Refusal = { ...refusal(400, '', {}), says: 'Idempotency-Key' };

export function repeatingCases(spec: EndpointSpec): Case[] {
  const rule = (name: string, run: (asked: Asked) => Promise<void>): Case => ({
    endpoint: spec.id,
    rule: `Idempotency-Key: ${name}`,
    run,
  });
  if (spec.key === undefined) {
    return [
      rule('is passed over', async (asked) => {
        const request = requestOf(spec, await spec.valid(asked.world), { headers: keyHeader('a key') });
        await asked.expect(request, successOf(spec));
      }),
    ];
  }
  if (spec.key === 'refused') {
    return [
      rule('is refused', async (asked) => {
        const request = requestOf(spec, await spec.valid(asked.world), { headers: keyHeader('a key') });
        await asked.expect(request, wrongHeader);
      }),
    ];
  }
  return [
    ...spec.methods.map((method) =>
      rule(`${method} once more gets the first answer`, async (asked) => {
        const key = randomUUID();
        const params = await spec.valid(asked.world);
        const first = await asked.expect(
          requestOf(spec, params, { method, headers: keyHeader(key) }),
          successOf(spec, method),
        );
        for (const headers of [keyHeader(key), keyHeader(`"${key}"`)]) {
          await expectAgain(asked, spec, requestOf(spec, params, { method, headers }), first);
        }
      }),
    ),
    rule('two at once get one answer', async (asked) => {
      const request = requestOf(spec, await spec.valid(asked.world), { headers: keyHeader(randomUUID()) });
      const [one, other] = await Promise.all([asked.answer(request), asked.answer(request)]);
      const [first, second] =
        one.headers['idempotent-replayed'] || one.status === 409 ? [other, one] : [one, other];
      if (first.status !== 200) throw new WrongAnswer(request, first, ['one of the two must be a success']);
      checkAgain(spec, request, first, second);
    }),
    rule('other parameters under it are refused', async (asked) => {
      const headers = keyHeader(randomUUID());
      const params = await spec.valid(asked.world);
      await asked.expect(requestOf(spec, params, { headers }), successOf(spec));
      await asked.expect(requestOf(spec, changed(spec, params, asked.world), { headers }), reused);
    }),
    rule('another operator’s is another one', async (asked) => {
      if (asked.hasToken) return;
      const key = randomUUID();
      for (const authorization of ['conformance', 'conformance-2']) {
        const headers = { ...keyHeader(key), authorization };
        // Where the body names the operator, it goes before the header.
        const params = { ...(await spec.valid(asked.world)), opr_user: undefined };
        const request = requestOf(spec, params, { headers });
        const answer = await asked.expect(request, successOf(spec));
        assertNew(request, answer);
      }
    }),
    ...['""', '"a', 'a'.repeat(256), 'schlüssel'].map((key) =>
      rule(`${key.slice(0, 20)} is none`, async (asked) => {
        const request = requestOf(spec, await spec.valid(asked.world), { headers: keyHeader(key) });
        await asked.expect(request, wrongHeader);
      }),
    ),
  ];
}

export const keyHeader = (key: string): Record<string, string> => ({
  // As UTF-8, byte by byte.
  'idempotency-key': Buffer.from(key).toString('latin1'),
});

/** A token is shown once: a repetition is told which one it is, and nothing else is repeated. */
const isShownOnce = (spec: EndpointSpec): boolean => spec.id === 'token.create';

async function expectAgain(
  asked: Asked,
  spec: EndpointSpec,
  request: ApiRequest,
  first: ApiAnswer,
): Promise<void> {
  checkAgain(spec, request, first, await asked.answer(request));
}

function checkAgain(spec: EndpointSpec, request: ApiRequest, first: ApiAnswer, again: ApiAnswer): void {
  const problems: string[] = [];
  if (isShownOnce(spec)) {
    if (again.status !== 409) problems.push('409 was expected');
    if (again.text.includes('rgl_')) problems.push('no token may be shown');
  } else {
    if (again.status !== first.status || again.text !== first.text)
      problems.push(`the first answer was expected: ${first.text}`);
    if (again.headers['x-task-id'] !== first.headers['x-task-id'])
      problems.push(`X-Task-Id must be ${String(first.headers['x-task-id'])}`);
    if (again.headers['idempotent-replayed'] !== 'true') problems.push('Idempotent-Replayed must be true');
  }
  if (problems.length > 0) throw new WrongAnswer(request, again, problems);
}

export function assertNew(request: ApiRequest, answer: ApiAnswer): void {
  if (answer.headers['idempotent-replayed'] !== undefined)
    throw new WrongAnswer(request, answer, ['an answer of its own was expected']);
}

/** The parameters, one of them another one that an endpoint could take. */
function changed(spec: EndpointSpec, params: Params, world: World): Params {
  const names = Object.entries(spec.params ?? {});
  const [name] =
    names.find(([name, { kind }]) => kind === 'name' && params[name] !== undefined) ??
    names.find(([name, { kind }]) => kind === 'integer' && params[name] !== undefined) ??
    names.find(([name]) => Array.isArray(params[name])) ??
    [];
  const value = name === undefined ? undefined : params[name];
  if (name === undefined || value === undefined) throw new Error(`${spec.id}: nothing to change`);
  if (Array.isArray(value)) return { ...params, [name]: [...value, world.ip()] };
  return { ...params, [name]: typeof value === 'number' ? value + 1 : `${String(value)}x` };
}
