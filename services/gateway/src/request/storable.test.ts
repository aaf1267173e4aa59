import fc from 'fast-check';
import t from 'tap';
import { WrongParameter } from '../failures.js';
import { assertStorable } from './storable.js';

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

t.test('values that a database cannot return unchanged are refused', async (t) => {
  const wrong: [string, unknown][] = [
    ['NUL', 'a\0b'],
    ['half a character', '\ud800'],
    ['half a character in a list', ['x', 'y\udc00']],
    ['NUL in a name', { 'a\0': 1 }],
    ['half a character in a name', { '\ud83d': 1 }],
    ['an integer beyond the exact ones', JSON.parse('9007199254740993')],
    ['a number without end', JSON.parse('1e400')],
    ['a large number deep inside', { a: [{ b: 1e30 }] }],
    ['endless nesting', nested(65)],
  ];
  for (const [what, value] of wrong) t.throws(() => assertStorable('params', value), WrongParameter, what);
});

t.test('names the parameter', async (t) => {
  t.throws(() => assertStorable('params', '\0'), { parameter: 'params', message: /^params contains/ });
});

t.test('takes everything else', async (t) => {
  for (const value of ['', '平台 😀', 0, -1.5, 9_007_199_254_740_991, true, null, nested(64)]) {
    t.doesNotThrow(() => assertStorable('x', value));
  }
});

t.test('takes any ordinary JSON value', async () => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.string({ unit: 'grapheme' }),
      fc.double({ min: -1e15, max: 1e15, noNaN: true }),
      fc.boolean(),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string({ unit: 'grapheme-ascii' }), tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(fc.property(value, (given) => assertStorable('x', given)));
});

t.test('deep nesting is refused without running out of stack', async (t) => {
  let value: unknown = 1;
  for (let depth = 0; depth < 200_000; depth++) value = [value];
  t.throws(() => assertStorable('params', value), { message: /nested more than 64 levels/ });
});

t.test('an object that a form has turned into text', async (t) => {
  const why =
    'is the text [object Object], which is what a form makes of an object such as a secret: send the value itself';
  t.throws(() => assertStorable('tag', '[object Object]'), { parameter: 'tag', message: `tag ${why}` });
  t.throws(() => assertStorable('params', { tag: ['a', ' [object Object]'] }), {
    parameter: 'params',
    message: `params.tag.1 ${why}`,
  });
  t.doesNotThrow(() => assertStorable('params', 'echo [object Object]'));
});
