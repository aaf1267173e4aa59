import t from 'tap';
import { moved, rulesOf } from './steps.js';

const step = (name: string) => ({ name, param_values: {}, retry: { retry_times: 0, ignore_error: false } });
const kept = (...names: string[]) =>
  rulesOf(names.map(step))
    .filter(({ isKept }) => isKept)
    .map(({ use }) => use);

t.test('a template suits the operations whose rules its steps keep', async (t) => {
  t.strictSame(kept(), []);
  t.strictSame(kept('create_vm', 'start_service'), ['expand', 'deploy']);
  t.strictSame(kept('stop', 'return_vm'), ['shrink']);
  t.strictSame(kept('start_service_slow', 'create_vm'), ['deploy']);
});

t.test('a step moves, and the others keep their order', async (t) => {
  const names = (steps: { name: string }[]) => steps.map(({ name }) => name).join('');
  const abc = ['a', 'b', 'c'].map(step);
  t.equal(names(moved(abc, 0, 2)), 'bca');
  t.equal(names(moved(abc, 2, 0)), 'cab');
});
