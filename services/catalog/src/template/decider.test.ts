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
