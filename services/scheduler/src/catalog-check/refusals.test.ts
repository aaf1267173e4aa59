import type { ResolvedStep } from '@rigel/contracts';
import t from 'tap';
import { type GivenSecret, refusalsOf, secretsToAllow } from './refusals.js';

const step = (
  text: string,
  more: Partial<ResolvedStep> = {},
  params: Record<string, 'string' | 'integer'> = {},
) => {
  const made: ResolvedStep = {
    name: 'step',
    kind: 'remote',
    param_values: {},
    retry: { retry_times: 0, ignore_error: false },
    actions: [{ name: 'action', params, module: 'shell', text }],
    ...more,
  };
  return made;
};
const builtIn = (param_values: Record<string, unknown>): ResolvedStep => ({
  name: 'create_vm',
  kind: 'vm',
  param_values,
  retry: { retry_times: 0, ignore_error: false },
  actions: [],
});

t.test('what calls have to give is no reason against a template', async (t) => {
  for (const fine of [
    step('echo {{a}} "{{b}}" \'{{c}}\'', {}, { a: 'string', b: 'integer' }),
    step('exit {{n}}'),
    step('{{code | raw}}'),
    step('echo {{a}}', { param_values: { a: null } }),
    step('echo {{a}}', { param_values: { a: { secret: 'x' } } }),
    step('true', { reboot: true, ready_wait: 86_400 }),
    builtIn({}),
    builtIn({ vm_type_id: '' }),
    builtIn({ vm_type_id: '2.0' }),
  ])
    t.strictSame(refusalsOf([fine]), [], JSON.stringify(fine.actions));
});

t.test('each command and each value that is refused is named with its place', async (t) => {
  const two: ResolvedStep = {
    ...step(''),
    actions: [
      { name: 'one', params: {}, module: 'shell', text: 'eval {{p}}' },
      { name: 'two', params: {}, module: 'longscript', text: 'true\n. {{p}}\neval {{p}}\n' },
      { name: 'three', params: {}, module: 'shell', text: 'echo {{p}}' },
    ],
  };
  const refusals = refusalsOf([two, two]);
  t.match(refusals, [/^step step, action one: /, /^step step, action two: /]);
  t.equal(refusals.length, 2, 'each once, and not the harmless one');
  for (const [wrong, message] of [
    [step('exit {{n}}', { param_values: { n: { secret: 'x' } } }), /cannot stand where the shell counts/],
    [step('echo {{n}}', { param_values: { n: 'x' } }, { n: 'integer' }), /n must be an integer, not x/],
    [step('echo {{n}}', { param_values: { n: '[object Object]' } }), /what a form made of an object/],
    [step('echo {{n}}', { param_values: { n: ['x'] } }), /must be a string or a number/],
    [builtIn({ vm_type_id: 'large' }), /vm_type_id must be an integer, not large/],
  ] as const) {
    const [first, ...rest] = refusalsOf([wrong]);
    t.match(first, message);
    t.strictSame(rest, []);
  }
  t.strictSame(refusalsOf([]), ['the template has no step']);
});

t.test('secrets that calls named and the template does not allow', async (t) => {
  const given = (more: Partial<GivenSecret>): GivenSecret => ({
    template: 1,
    step: 'step',
    param: 'p',
    secret: 'x',
    task: 7,
    operator: 'ci',
    ...more,
  });
  const steps = [
    step('echo {{p}}', { allowed_secrets: { p: ['listed'] }, param_values: { p: { secret: 'stored' } } }),
  ];
  const refused = given({ secret: 'other' });
  const all = [
    given({ secret: 'listed' }),
    given({ secret: 'stored' }),
    given({ step: 'gone by now', secret: 'other' }),
    refused,
  ];
  t.strictSame(secretsToAllow(steps, all), [refused]);
  t.strictSame(
    secretsToAllow([...steps, step('echo {{p}}')], [given({ secret: 'listed' })]).length,
    1,
    'all steps of a name take what a call gives that name',
  );
});
