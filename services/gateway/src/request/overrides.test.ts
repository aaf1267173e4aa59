import t from 'tap';
import { mergeOverrides } from './overrides.js';

t.test('a map is taken as it is, but for empty names', async (t) => {
  t.strictSame(mergeOverrides({ tag: 'v2', start: { port: 1 } }), { tag: 'v2', start: { port: 1 } });
  t.strictSame(mergeOverrides({ '': '', start: { '': 1, port: 2 } }), { start: { port: 2 } });
  t.strictSame(mergeOverrides({}), {});
});

t.test('an array of maps is read in order, later values count', async (t) => {
  t.strictSame(mergeOverrides([{ '': '' }]), {});
  t.strictSame(
    mergeOverrides([
      { tag: 'v1', start: { a: 1, b: 1 } },
      { tag: 'v2', start: { b: 2 } },
    ]),
    {
      tag: 'v2',
      start: { a: 1, b: 2 },
    },
  );
  t.strictSame(mergeOverrides([{ start: { a: 1 } }, { start: 'x' }]), { start: 'x' });
});

t.test('a name may be __proto__', async (t) => {
  const merged = mergeOverrides(JSON.parse('[{"__proto__": {"a": 1}}, {"__proto__": {"b": 2}}]'));
  t.equal(JSON.stringify(merged), '{"__proto__":{"a":1,"b":2}}');
});
