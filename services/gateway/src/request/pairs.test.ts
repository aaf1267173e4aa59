import fc from 'fast-check';
import t from 'tap';
import { readPairs } from './pairs.js';

t.test('reads pairs, percent-encoding and blanks', async (t) => {
  t.strictSame(readPairs('page=1&page_size=10'), { values: { page: '1', page_size: '10' } });
  t.strictSame(readPairs('name=%E5%B9%B3%E5%8F%B0+a%20b'), { values: { name: '平台 a b' } });
  t.strictSame(readPairs('a=x=y&&b&=c'), { values: { a: 'x=y', b: '', '': 'c' } });
  t.strictSame(readPairs(''), { values: {} });
});

t.test('the last of several values of a name counts', async (t) => {
  t.strictSame(readPairs('a=1&a=2'), { values: { a: '2' } });
});

t.test('text that is not UTF-8 after decoding cannot be read', async (t) => {
  for (const text of ['a=%ff', 'a=%zz', '%=1', 'a=%E5%B9']) {
    t.hasOwnProp(readPairs(text), 'unreadable', text);
  }
});

t.test('reads back whatever was encoded', async () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), (given) => {
      const text = new URLSearchParams(given).toString();
      const source = readPairs(text);
      return 'values' in source && JSON.stringify(source.values) === JSON.stringify({ ...given });
    }),
  );
});

t.test('never throws', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      readPairs(text);
    }),
  );
});
