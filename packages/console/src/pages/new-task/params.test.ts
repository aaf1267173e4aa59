import type { StepOption, UsableStep } from '@rigel/api-client';
import t from 'tap';
import { fieldsOf, givenFor, problemOf, valuesOfTask, withValue } from './params.js';

const retry = { retry_times: 0, ignore_error: false };
const step = (name: string, param_values: Record<string, unknown> = {}, more = {}): StepOption =>
  ({ name, param_values, retry, ...more }) as StepOption;
const usable = [
  { id: 1, name: 'create_vm', desc: '', type: 'vm', params: { vm_type_id: 'integer' } },
  { id: 5, name: 'stop', desc: '', type: 'remote', params: { tag: 'string', grace: 'integer' } },
  { id: 6, name: 'start', desc: '', type: 'remote', params: { tag: 'string', password: 'string' } },
  { id: 7, name: 'tag', desc: '', type: 'remote', params: { tag: 'string' } },
] as UsableStep[];

t.test('steps that have the same parameter share its field; others have one each', async (t) => {
  const alike = { steps: [step('stop', { tag: 'web:7', grace: 30 }), step('start', { tag: 'web:7' })] };
  t.match(fieldsOf(alike, usable, {}), [
    { name: 'tag', step: undefined, steps: ['stop', 'start'], template: 'web:7' },
    { name: 'grace', step: undefined, type: 'integer', template: 30 },
    { name: 'password', step: undefined, template: undefined },
  ]);
  const other = { steps: [step('stop', { tag: 'web:6' }), step('start', { tag: 'web:7' })] };
  t.strictSame(
    fieldsOf(other, usable, {})
      .filter(({ name }) => name === 'tag')
      .map(({ step }) => step),
    ['stop', 'start'],
  );
  t.strictSame(
    fieldsOf(alike, usable, { start: { tag: 'web:8' } })
      .filter(({ name }) => name === 'tag')
      .map(({ step }) => step),
    ['stop', 'start'],
    'a value for one step has a field of its own',
  );
  t.strictSame(
    fieldsOf({ steps: [step('start'), step('tag')] }, usable, {}).map(({ step }) => step),
    ['start', 'tag', undefined],
  );
  t.strictSame(fieldsOf({ steps: [step('unknown', { a: 1 })] }, usable, {}), []);
});

t.test('values go where the request has them, and a field without one shows the template’s', async (t) => {
  const template = { steps: [step('stop', { tag: 'web:7' }), step('start', { tag: 'web:6' })] };
  const [ofStop, ofStart] = fieldsOf(template, usable, {}).filter(({ name }) => name === 'tag');
  if (!ofStop || !ofStart) throw new Error('no fields');
  const one = withValue({}, ofStart, 'web:8');
  t.strictSame(one, { start: { tag: 'web:8' } });
  t.equal(givenFor(one, ofStart), 'web:8');
  t.equal(givenFor(one, ofStop), undefined);
  t.equal(givenFor({ tag: 'all' }, ofStop), 'all');
  t.strictSame(withValue(one, ofStart, undefined), {});
  t.strictSame(withValue({ tag: 'x', other: 1 }, { ...ofStop, step: undefined }, ''), { other: 1, tag: '' });
});

t.test('secrets are those that the template allows', async (t) => {
  const template = {
    steps: [
      step(
        'start',
        { password: { secret: 'db' } },
        { allowed_secrets: { password: ['db', 'test-db'], tag: ['t'] } },
      ),
    ],
  };
  const fields = fieldsOf(template, usable, {});
  t.strictSame(
    fields.map(({ name, secrets }) => [name, secrets]),
    [
      ['tag', ['t']],
      ['password', ['db', 'test-db']],
    ],
  );
});

t.test('what is missing or no integer is said', async (t) => {
  const [tag, grace] = fieldsOf({ steps: [step('stop')] }, usable, {});
  const [machine] = fieldsOf({ steps: [step('create_vm')] }, usable, {});
  if (!tag || !grace || !machine) throw new Error('no fields');
  t.equal(problemOf(tag, undefined), 'value.needed');
  t.equal(problemOf(tag, ''), undefined);
  t.equal(problemOf(grace, 'x'), 'value.integer');
  t.equal(problemOf(grace, -7), undefined);
  t.equal(problemOf(machine, undefined), undefined, 'the pool gives it');
});

t.test('an earlier task gives what differs from the template of today', async (t) => {
  const template = { steps: [step('stop', { tag: 'web:7', grace: 30 }), step('start', { tag: 'web:7' })] };
  const as = (stop: object, start: object) =>
    valuesOfTask(template, usable, [
      { name: 'stop', param_values: { grace: 30, ...stop } },
      { name: 'start', param_values: { password: { secret: 'db' }, ...start } },
    ]);
  t.strictSame(as({ tag: 'web:8' }, { tag: 'web:8' }), { tag: 'web:8', password: { secret: 'db' } });
  t.strictSame(as({ tag: 'web:7' }, { tag: 'web:9' }), {
    start: { tag: 'web:9' },
    password: { secret: 'db' },
  });
  t.strictSame(as({ tag: 'web:7', grace: 5 }, { tag: 'web:7' }), { grace: 5, password: { secret: 'db' } });
});
