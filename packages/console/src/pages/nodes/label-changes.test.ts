import t from 'tap';
import { labelsIn, presentLabels, typedLabels } from './label-changes.js';
import type { Labels } from './labels.js';

t.test('labels as they are typed', async (t) => {
  t.strictSame(labelsIn(' zone=b, role=web  canary\nexample.com/rack=7 '), {
    set: { zone: 'b', role: 'web', canary: '', 'example.com/rack': '7' },
  });
  t.strictSame(labelsIn(' ,'), { set: {} });
  t.match(labelsIn('zone=b zone=c'), { wrong: 'zone=c' });
  t.match(labelsIn('=b'), { wrong: '=b' });
  t.strictSame(labelsIn('a=b=c').set, { a: 'b=c' }, 'the API says what is wrong with a value');
});

t.test('labels in a field are the same when they are read again', async (t) => {
  t.equal(
    typedLabels({ zone: 'b', canary: '', 'example.com/rack': '7' }),
    'canary example.com/rack=7 zone=b',
  );
  t.equal(typedLabels(undefined), '');
  t.strictSame(labelsIn(typedLabels({ zone: 'b', canary: '' })).set, { canary: '', zone: 'b' });
});

t.test('labels that nodes have, by key, the most frequent value first', async (t) => {
  const nodes: { labels?: Labels }[] = [
    { labels: { zone: 'a', x: '' } },
    { labels: { zone: 'b' } },
    { labels: { zone: 'b' } },
    {},
  ];
  t.strictSame(presentLabels(nodes), [
    ['x', [{ value: '', nodes: 1 }]],
    [
      'zone',
      [
        { value: 'b', nodes: 2 },
        { value: 'a', nodes: 1 },
      ],
    ],
  ]);
});
