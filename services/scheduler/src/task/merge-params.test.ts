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
const anybody = { template: 'rollout', anySecret: false };
const merge = (params: Record<string, unknown>, anySecret = false) =>
  mergeParams(steps, params, { template: 'rollout', anySecret });
const values = (params: Record<string, unknown>) =>
  merge(params).steps.map(({ param_values }) => param_values);
const unused = (params: Record<string, unknown>) => merge(params).unused;

t.test('values reach the steps that use them', async (t) => {
  t.match(values({ tag: 'v2' }), [{ tag: 'v2', port: 80 }, { tag: 'v2' }, {}]);
  t.match(values({ check: { tag: 'v2' } }), [{ tag: 'v1' }, { tag: 'v2' }]);
  t.match(values({ service_discovery_id: 7 }), [{}, {}, { service_discovery_id: 7 }]);
  t.match(merge({ tag: { secret: 'x' } }, true).steps, [
    { param_values: { tag: { secret: 'x' } } },
    { param_values: { tag: { secret: 'x' } } },
  ]);
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
  t.strictSame(mergeParams([{ ...register, name: 'x', kind: 'remote' }], { a: 1 }, anybody).unused, [
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
    t.throws(() => merge(params), { code: 'invalid', field: 'params', message });
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
    merge({ port: '8080.0', tag: '1.0', service_discovery_id: '2.00' }).steps,
    limits,
  );
  t.match(planned?.param_values, { port: '8080', tag: '1.0' });
  t.match(discovery?.param_values, { service_discovery_id: '2' });
  t.throws(() => planSteps(merge({ port: '1.10' }).steps, limits), {
    message: /port must be an integer/,
  });
});

t.test('a secret is taken only where the template allows it', async (t) => {
  const login = (step: Partial<ResolvedStep>): ResolvedStep => ({
    ...remote('login', 'login {{user}} {{password}}', { user: 'string', password: 'string' }),
    ...step,
  });
  const listed = login({ allowed_secrets: { password: ['db-password', 'other'] } });
  const stored = login({ name: 'again', param_values: { password: { secret: 'db-password' } } });
  const by = (steps: ResolvedStep[], params: Record<string, unknown>, anySecret = false) =>
    mergeParams(steps, params, { template: 'log in', anySecret });
  const db = { secret: 'db-password' };

  t.match(by([listed], { password: db }), {
    beyondTemplate: false,
    steps: [{ param_values: { password: db } }],
  });
  t.match(by([listed], { login: { password: { secret: 'other' } } }), { beyondTemplate: false });
  t.match(by([stored], { password: db, user: 'ann' }), { beyondTemplate: false });
  t.match(by([listed, stored], { password: db }), { beyondTemplate: false });
  t.match(by([listed], { password: 'db-password' }).steps, [{ param_values: { password: 'db-password' } }]);

  const refused: [steps: ResolvedStep[], params: Record<string, unknown>, step: string, param: string][] = [
    [[login({})], { password: db }, 'login', 'password'],
    [[login({})], { login: { password: db } }, 'login', 'password'],
    [[listed], { password: { secret: 'ssh-key' } }, 'login', 'password'],
    [[listed], { password: { secret: 'DB-password' } }, 'login', 'password'],
    [[listed], { password: { secret: 'db-password ' } }, 'login', 'password'],
    [[listed], { user: db }, 'login', 'user'],
    [[stored], { user: db }, 'again', 'user'],
    // What is allowed to one step is not to another one that has the parameter too.
    [[stored, login({})], { password: db }, 'login', 'password'],
    // What the same request named first allows nothing.
    [[stored], { password: 'x', again: { password: { secret: 'ssh-key' } } }, 'again', 'password'],
    [[login({})], { password: 'x', login: { password: db } }, 'login', 'password'],
  ];
  for (const [steps, params, step, param] of refused) {
    const named = JSON.stringify(params).includes('ssh-key')
      ? 'ssh-key'
      : /secret":"([^"]*)"/.exec(JSON.stringify(params))?.[1];
    t.throws(() => by(steps, params), {
      code: 'invalid',
      field: 'params',
      message:
        `params: step ${step}, parameter ${param}: the template does not allow the secret ${named}: ` +
        `an admin adds it to allowed_secrets of step ${step} of template log in, or names it in its param_values`,
    });
    t.match(by(steps, params, true), { beyondTemplate: true }, 'an admin may name any');
  }
  // Names that every object has are no list.
  const odd = remote('odd', 'x {{constructor}} {{toString}}', {});
  t.throws(() => by([odd], { constructor: db }), {
    code: 'invalid',
    message: /does not allow the secret db-password/,
  });
  t.throws(() => by([{ ...odd, allowed_secrets: { x: ['y'] } }], { toString: db }), { code: 'invalid' });
});

t.test('the plan of a task does not carry the list', async (t) => {
  const step = { ...check, allowed_secrets: { tag: ['db-password'] } };
  const [planned] = planSteps([step], limits);
  t.notOk(planned && 'allowed_secrets' in planned);
});
