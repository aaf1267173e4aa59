import { storyOf } from '@rigel/testing';
import t from 'tap';
import { type TemplateEvent, templateDecider } from './decider.js';

const given = storyOf(templateDecider);

const retry = { retry_times: 2, ignore_error: false };
const steps = [
  { name: 'create_vm', param_values: { vm_type_id: 1 }, retry },
  { name: 'deploy', param_values: {}, retry: { retry_times: 0, ignore_error: true } },
];
const rollout = { id: 6, name: 'rollout', desc: '', steps };
const created: TemplateEvent = { type: 'TemplateCreated', data: rollout };

t.test('a template is created, changed and deleted', async (t) => {
  const written = steps.map((step) => ({ ...step, name: ` ${step.name}`, more: 'is dropped' }));
  given()
    .when({ do: 'create', ...rollout, steps: written })
    .gives(t, [created]);
  const changed: TemplateEvent = { type: 'TemplateChanged', data: { id: 6, steps: [] } };
  given(created).when({ do: 'change', id: 6, desc: '', steps: [] }).gives(t, [changed]);
  given(created)
    .when({ do: 'change', ...rollout, steps: written })
    .gives(t, []);
  given(created, changed)
    .when({ do: 'delete', id: 6 })
    .gives(t, [{ type: 'TemplateDeleted', data: { id: 6 } }]);
});

t.test('steps that cannot be stored are refused', async (t) => {
  const wrong = [
    { name: ' ', param_values: {}, retry },
    { name: 'x'.repeat(51), param_values: {}, retry },
    { name: 'a', param_values: { a: { b: ['\0'] } }, retry },
    { name: 'a', param_values: { 'a\udc00': 1 }, retry },
  ];
  for (const step of wrong) {
    const refused = { code: 'invalid', field: 'steps' };
    given()
      .when({ do: 'create', ...rollout, steps: [step] })
      .refused(t, refused);
    given(created)
      .when({ do: 'change', id: 6, steps: [...steps, step] })
      .refused(t, refused);
  }
});

t.test('a deleted template is gone', async (t) => {
  const history: TemplateEvent[] = [created, { type: 'TemplateDeleted', data: { id: 6 } }];
  given(...history)
    .when({ do: 'change', id: 6, desc: '' })
    .refused(t, { code: 'not_found' });
  given(...history)
    .when({ do: 'delete', id: 6 })
    .refused(t, { code: 'not_found' });
});

t.test('limits of a step are kept where they were given', async (t) => {
  const limited = [
    { name: 'create_vm', param_values: {}, retry, timeout: 900 },
    { name: 'restart', param_values: {}, retry, timeout: 900, stop_grace: 0, reboot: true, ready_wait: 900 },
  ];
  given()
    .when({ do: 'create', ...rollout, steps: limited })
    .gives(t, [{ type: 'TemplateCreated', data: { ...rollout, steps: limited } }]);
  given(created)
    .when({ do: 'change', id: 6, steps: steps.map((step) => ({ ...step, reboot: false })) })
    .gives(t, []);
});

t.test('limits that mean nothing for a step are refused with the reason', async (t) => {
  const wrong = [
    [{ name: 'create_vm', stop_grace: 5 }, /step create_vm: stop_grace is an option of remote steps only/],
    [{ name: 'register', reboot: true }, /step register: reboot is an option of remote steps only/],
    [{ name: 'deploy', ready_wait: 5 }, /step deploy: ready_wait \(5\) needs reboot: true/],
    [
      { name: 'deploy', reboot: true, ready_wait: 61, timeout: 60 },
      /step deploy: ready_wait \(61\) must not be longer than timeout \(60\)/,
    ],
  ] as const;
  for (const [step, message] of wrong) {
    const steps = [{ param_values: {}, retry, ...step }];
    given()
      .when({ do: 'create', ...rollout, steps })
      .refused(t, { code: 'invalid', field: 'steps.0', message });
  }
});

t.test('the secrets that a step allows are kept, in one form', async (t) => {
  const deploy = { name: 'deploy', param_values: {}, retry };
  const allowed = { password: ['db-password', 'other'] };
  const of = (allowed_secrets: Record<string, string[]>) => [{ ...deploy, allowed_secrets }];
  const created: TemplateEvent = { type: 'TemplateCreated', data: { ...rollout, steps: of(allowed) } };
  given()
    .when({
      do: 'create',
      ...rollout,
      steps: of({ password: ['db-password', 'other', 'db-password'], token: [] }),
    })
    .gives(t, [created]);
  given(created)
    .when({ do: 'change', id: 6, steps: of(allowed) })
    .gives(t, [], 'nothing changes');
  given(created)
    .when({ do: 'change', id: 6, steps: of({ password: ['db-password'] }) })
    .gives(
      t,
      [{ type: 'TemplateChanged', data: { id: 6, steps: of({ password: ['db-password'] }) } }],
      'a change of the list alone is one',
    );
  given(created)
    .when({ do: 'change', id: 6, steps: [deploy] })
    .gives(
      t,
      [{ type: 'TemplateChanged', data: { id: 6, steps: [deploy] } }],
      'steps that are saved without a list allow none',
    );
});

t.test('a list of secrets that is not strict is refused, naming step, parameter and value', async (t) => {
  const wrong: [Record<string, string[]>, RegExp][] = [
    [
      { password: ['*'] },
      /step deploy: allowed_secrets.password: \* is no name of a secret.*there are no patterns/,
    ],
    [{ password: ['ok', '../x'] }, /\.\.\/x is no name/],
    [{ password: ['a'.repeat(101)] }, /is no name/],
    [{ password: [''] }, /is no name/],
    [{ password: ['a/b'] }, /is no name/],
    [{ password: ['.hidden'] }, /is no name/],
    [{ '': ['x'] }, /is no name of a parameter/],
    [{ ' password': ['x'] }, /is no name of a parameter/],
    [{ 'a\0': ['x'] }, /is no name of a parameter/],
    [{ password: Array.from({ length: 101 }, (_, i) => `s${i}`) }, /has 101 names: at most 100/],
    [
      Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`p${i}`, ['x']])),
      /has 51 parameters: at most 50/,
    ],
  ];
  for (const [allowed_secrets, message] of wrong) {
    const steps = [{ name: 'deploy', param_values: {}, retry, allowed_secrets }];
    given()
      .when({ do: 'create', ...rollout, steps })
      .refused(t, {
        code: 'invalid',
        field: `steps.0.allowed_secrets${/ parameter/.test(String(message)) ? '' : '.password'}`,
        message,
      });
  }
  const builtIn = [{ name: 'create_vm', param_values: {}, retry, allowed_secrets: { vm_type_id: ['x'] } }];
  given()
    .when({ do: 'create', ...rollout, steps: builtIn })
    .refused(t, {
      code: 'invalid',
      message: /step create_vm: allowed_secrets is an option of remote steps only/,
    });
});
