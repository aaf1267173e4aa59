import t from 'tap';
import type { PlannedStep, TaskCreated } from './events.js';
import { tagOf } from './image-tag.js';

const step = (name: string, param_values: Record<string, unknown>) => ({ name, param_values }) as PlannedStep;
const created = (...steps: PlannedStep[]) => ({ steps }) as TaskCreated;

t.test('the first step that begins a service has the tag', async (t) => {
  t.equal(
    tagOf(
      created(
        step('unregister', { tag: 'no' }),
        step('start_service_web', { tag: 'web:7' }),
        step('start_service', { tag: 'web:8' }),
      ),
    ),
    'web:7',
  );
});

t.test('a task that begins no service, or names no tag, puts none', async (t) => {
  t.equal(tagOf(created(step('restart', { tag: 'web:7' }))), undefined);
  t.equal(tagOf(created(step('start_service', {}), step('start_service2', { tag: 'web:7' }))), undefined);
  t.equal(tagOf(created(step('start_service', { tag: '' }))), undefined);
});

t.test('a tag that is the name of a secret, or too long to repeat, is not repeated', async (t) => {
  t.equal(tagOf(created(step('start_service', { tag: { secret: 'image' } }))), undefined);
  t.equal(tagOf(created(step('start_service', { tag: 'x'.repeat(256) }))), undefined);
});
