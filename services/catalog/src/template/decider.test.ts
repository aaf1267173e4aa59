import t from 'tap';
import { type TemplateCommand, type TemplateEvent, templateDecider } from './decider.js';

const decide = (events: TemplateEvent[], command: TemplateCommand) =>
  templateDecider.decide(command, events.reduce(templateDecider.evolve, templateDecider.initial));

const retry = { retry_times: 2, ignore_error: false };
const steps = [
  { name: 'create_vm', param_values: { vm_type_id: 1 }, retry },
  { name: 'deploy', param_values: {}, retry: { retry_times: 0, ignore_error: true } },
];
const rollout = { id: 6, name: 'rollout', desc: '', steps };
const created: TemplateEvent = { type: 'TemplateCreated', data: rollout };

t.test('a template is created, changed and deleted', async (t) => {
  const written = steps.map((step) => ({ ...step, name: ` ${step.name}`, more: 'is dropped' }));
  t.strictSame(decide([], { do: 'create', ...rollout, steps: written }), [created]);
  const changed: TemplateEvent = { type: 'TemplateChanged', data: { id: 6, steps: [] } };
  t.strictSame(decide([created], { do: 'change', id: 6, desc: '', steps: [] }), [changed]);
  t.strictSame(decide([created], { do: 'change', ...rollout, steps: written }), []);
  t.strictSame(decide([created, changed], { do: 'delete', id: 6 }), [
    { type: 'TemplateDeleted', data: { id: 6 } },
  ]);
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
    t.throws(() => decide([], { do: 'create', ...rollout, steps: [step] }), refused);
    t.throws(() => decide([created], { do: 'change', id: 6, steps: [...steps, step] }), refused);
  }
});

t.test('a deleted template is gone', async (t) => {
  const history: TemplateEvent[] = [created, { type: 'TemplateDeleted', data: { id: 6 } }];
  t.throws(() => decide(history, { do: 'change', id: 6, desc: '' }), { code: 'not_found' });
  t.throws(() => decide(history, { do: 'delete', id: 6 }), { code: 'not_found' });
});

t.test('limits of a step are kept where they were given', async (t) => {
  const limited = [
    { name: 'create_vm', param_values: {}, retry, timeout: 900 },
    { name: 'restart', param_values: {}, retry, timeout: 900, stop_grace: 0, reboot: true, ready_wait: 900 },
  ];
  t.strictSame(decide([], { do: 'create', ...rollout, steps: limited }), [
    { type: 'TemplateCreated', data: { ...rollout, steps: limited } },
  ]);
  t.strictSame(
    decide([created], { do: 'change', id: 6, steps: steps.map((step) => ({ ...step, reboot: false })) }),
    [],
  );
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
    t.throws(() => decide([], { do: 'create', ...rollout, steps }), {
      code: 'invalid',
      field: 'steps',
      message,
    });
  }
});
