import type { ResolvedStep } from '@rigel/contracts';
import t from 'tap';
import { mergeParams, unusedParams } from './merge-params.js';
import { planSteps } from './options.js';

const limits = { remoteMs: 1_000, providerMs: 1_000 };
const retry = { retry_times: 0, ignore_error: false };

function remote(
  name: string,
  text: string,
  params: Record<string, 'string' | 'integer'>,
  values: object = {},
) {
  const step: ResolvedStep = {
    name,
    kind: 'remote',
    param_values: { ...values },
    retry,
    actions: [{ name: `${name}-action`, params, module: 'shell', text }],
  };
  return step;
}

const start = remote(
  'start_service',
  'start {{tag}} {{port}}',
  { tag: 'string', port: 'integer' },
  {
    tag: 'v1',
    port: 80,
    note: 'no command uses it',
  },
);
const check = remote('check', 'check {{tag}}', { tag: 'string' }, { tag: 'v1' });
const register: ResolvedStep = {
  name: 'register',
  kind: 'sd',
  param_values: { service_discovery_id: 1 },
  retry,
  actions: [],
};
const steps = [start, check, register];
const values = (params: Record<string, unknown>) =>
  mergeParams(steps, params).steps.map(({ param_values }) => param_values);
const unused = (params: Record<string, unknown>) => mergeParams(steps, params).unused;

t.test('values reach the steps that use them', async (t) => {
  t.match(values({ tag: 'v2' }), [{ tag: 'v2', port: 80 }, { tag: 'v2' }, {}]);
  t.match(values({ check: { tag: 'v2' } }), [{ tag: 'v1' }, { tag: 'v2' }]);
  t.match(values({ service_discovery_id: 7 }), [{}, {}, { service_discovery_id: 7 }]);
  t.match(values({ tag: { secret: 'x' } }), [{ tag: { secret: 'x' } }, { tag: { secret: 'x' } }]);
  t.strictSame(unused({ tag: 'v2', check: { tag: 'v3' }, '': '', register: {} }), []);
});

t.test('what no step uses is told with the nearest name', async (t) => {
  const cases: [params: Record<string, unknown>, name: string, advice: string][] = [
    [{ tga: 'v2' }, 'tga', 'the nearest known name is tag'],
    [{ start_service: { prot: 8080 } }, 'start_service.prot', 'the nearest known name is port'],
    [{ check: { port: 8080 } }, 'check.port', 'the nearest known name is tag'],
    [{ start_servce: { tag: 'v2' } }, 'start_servce.tag', 'the nearest known name is start_service'],
    [{ chek: {} }, 'chek', 'the nearest known name is check'],
    // A value that the template itself has for nothing goes on being kept, but nothing uses it.
    [{ note: 'x' }, 'note', 'the nearest known name is port'],
  ];
  for (const [params, name, advice] of cases) t.strictSame(unused(params), [{ name, advice }], name);
  t.match(values({ tga: 'v2' }), [{ tag: 'v1', note: 'no command uses it' }]);
  t.strictSame(mergeParams([{ ...register, name: 'x', kind: 'remote' }], { a: 1 }).unused, [
    { name: 'a', advice: 'they take none' },
  ]);
});

t.test('the refusal names the template, the value, what could be meant, and the way out', async (t) => {
  t.match(unusedParams('rollout', unused({ tga: 'v2' })), {
    code: 'invalid',
    field: 'params',
    message:
      'params: no step of template rollout uses tga (the nearest known name is tag); unused_params: warn runs the task without them',
  });
  const many = unused(Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`x${n}`, n])));
  t.match(unusedParams('rollout', many).message, /x4 \(.*\) and 3 more; unused_params/);
});

t.test('what no command could be given is refused with its field and value', async (t) => {
  const wrong: [params: Record<string, unknown>, message: string][] = [
    [{ tag: { a: 1 } }, "params.tag must be a text, a number, true, false or a secret, not {'a':1}"],
    [{ tag: ['v2'] }, "params.tag must be a text, a number, true, false or a secret, not ['v2']"],
    [{ tag: null }, 'params.tag must be a text, a number, true, false or a secret, not null'],
    [{ check: { tag: {} } }, 'params.check.tag must be a text, a number, true, false or a secret, not {}'],
  ];
  for (const [params, message] of wrong) {
    t.throws(() => mergeParams(steps, params), { code: 'invalid', field: 'params', message });
  }
});

t.test('a stored value that no command uses does not stand in the way', async (t) => {
  t.match(planSteps(steps, limits), [{ param_values: { note: 'no command uses it' } }, {}, {}]);
});

t.test('a stored value that was an object once is refused', async (t) => {
  const broken = { ...check, param_values: { tag: '[object Object]' } };
  t.throws(() => planSteps([broken], limits), {
    code: 'invalid',
    message: /parameter tag is the text \[object Object\], .* save the value anew$/,
  });
});

t.test('an integer may be spelled 1.0, a text keeps its spelling', async (t) => {
  const [planned, , discovery] = planSteps(
    mergeParams(steps, { port: '8080.0', tag: '1.0', service_discovery_id: '2.00' }).steps,
    limits,
  );
  t.match(planned?.param_values, { port: '8080', tag: '1.0' });
  t.match(discovery?.param_values, { service_discovery_id: '2' });
  t.throws(() => planSteps(mergeParams(steps, { port: '1.10' }).steps, limits), {
    message: /port must be an integer/,
  });
});
