import type { ResolvedStep } from '@rigel/contracts';
import t from 'tap';
import type { PlannedStep } from '../task/events.js';
import { planDifferences } from './plan-differences.js';

const action = (name: string, text = `run ${name}`, params = {}): ResolvedStep['actions'][number] => ({
  ...{ name, params, module: 'shell', text },
});

function step(name: string, change: Partial<ResolvedStep> = {}): ResolvedStep {
  return {
    name,
    kind: 'remote',
    param_values: { tag: 'web:7' },
    retry: { retry_times: 1, ignore_error: false },
    actions: [action(`${name}_first`), action(`${name}_second`)],
    ...change,
  };
}

const planned = (one: ResolvedStep): PlannedStep => ({ ...one, capability: 'ssh', timeout_ms: 600_000 });
const from = (steps: readonly ResolvedStep[]) => steps.map(() => ({}));

function differences(recorded: readonly ResolvedStep[], now: readonly ResolvedStep[]) {
  return planDifferences(recorded.map(planned), now, from(recorded));
}

t.test('what a task has of its own is no difference', async (t) => {
  const recorded = [step('start', { param_values: { tag: 'web:8', port: '80' } })];
  t.strictSame(differences(recorded, recorded), []);
  t.strictSame(
    planDifferences(recorded.map(planned), [step('start')], [{ tag: 'call', port: 'pool' }]),
    [],
    'values of the call and of the pool',
  );
  t.strictSame(planDifferences(recorded.map(planned), [step('start')], undefined), [], 'nothing is known');
  const whole = step('start', {
    param_values: { port: '80' },
    actions: [action('a', 'x', { port: 'integer' })],
  });
  t.strictSame(
    differences([whole], [{ ...whole, param_values: { port: '80.0' } }]),
    [],
    'as it was recorded',
  );
});

t.test('options, values and actions differ each for itself', async (t) => {
  const recorded = [
    step('start', { param_values: { tag: 'web:7', password: { secret: 'old' } }, timeout: 60 }),
  ];
  const now = [
    step('start', {
      param_values: { tag: 'web:8', password: { secret: 'new' }, port: 80 },
      retry: { retry_times: 3, ignore_error: true },
      stop_grace: 5,
      actions: [
        action('start_second', 'run it\nslowly', { tag: 'string' }),
        action('start_first'),
        action('start_third'),
      ],
    }),
  ];
  const found = differences(recorded, now);
  t.ok(
    found.every(
      ({ step, step_num, step_num_now }) => step === 'start' && step_num === 1 && step_num_now === 1,
    ),
  );
  t.strictSame(
    found.map(({ kind, name, recorded, now }) => [kind, name, recorded, now]),
    [
      ['retry_times', '', '1', '3'],
      ['ignore_error', '', 'false', 'true'],
      ['timeout', '', '60', null],
      ['stop_grace', '', null, '5'],
      ['value', 'tag', 'web:7', 'web:8'],
      ['value', 'password', '‹secret old›', '‹secret new›'],
      ['value', 'port', null, '80'],
      ['order', '', 'start_first, start_second', 'start_second, start_first, start_third'],
      ['types', 'start_second', '', 'tag: string'],
      ['script', 'start_second', 'run start_second', 'run it\nslowly'],
      ['action', 'start_third', null, 'run start_third'],
    ],
  );
});

t.test('steps that came, went, or have another place', async (t) => {
  const places = (recorded: string[], now: string[]) =>
    differences(
      recorded.map((name) => step(name)),
      now.map((name) => step(name)),
    ).map(({ kind, step, step_num, step_num_now }) => [kind, step, step_num, step_num_now]);
  t.strictSame(places(['a', 'b', 'c'], ['a', 'new', 'c']), [
    ['step', 'b', 2, null],
    ['step', 'new', null, 2],
  ]);
  t.strictSame(places(['a', 'b', 'c', 'd'], ['d', 'a', 'b', 'c']), [['place', 'd', 4, 1]], 'one was moved');
  t.strictSame(places(['a', 'b', 'a'], ['a', 'b']), [['step', 'a', 3, null]], 'a step that was there twice');
  t.strictSame(places(['a'], ['first', 'a']), [['step', 'first', null, 1]], 'a step before it moves nothing');
});
