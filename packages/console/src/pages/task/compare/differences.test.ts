import t from 'tap';
import { nodeDifferences, valueDifferences } from './differences.js';

t.test('values that differ, by step', async (t) => {
  const step = (name: string, param_values: Record<string, unknown>) => ({ name, param_values });
  t.strictSame(
    valueDifferences(
      [step('stop', { tag: 'web:8', grace: 30 }), step('start', { key: { secret: 'db' } })],
      [step('stop', { tag: 'web:7', grace: 30 }), step('check', { url: '' })],
    ),
    [
      { step: 'stop', name: 'tag', here: 'web:8', there: 'web:7' },
      { step: 'start', name: 'key', here: '‹db›', there: undefined },
      { step: 'check', name: 'url', here: undefined, there: '' },
    ],
  );
  t.strictSame(valueDifferences([step('a', { x: 1 })], [step('a', { x: 1 })]), []);
});

t.test('what became of the nodes', async (t) => {
  t.strictSame(
    nodeDifferences(
      { ips: ['a', 'b', 'c', 'd', 'e'], state: '33220' },
      { ips: ['f', 'e', 'd', 'c', 'b'], state: '30323' },
    ),
    {
      both: 4,
      onlyHere: ['a'],
      onlyThere: ['f'],
      newlyFailed: [],
      notFailedAnyMore: ['d'],
      failedInBoth: ['b'],
    },
  );
});
