import fc from 'fast-check';
import t from 'tap';
import { Type } from 'typebox';
import { coerce } from './coerce.js';
import { parseKeepingSpelling, SpelledNumber, withSpelling } from './spelled-number.js';
import { assertStorable } from './storable.js';

const read = (json: string) => parseKeepingSpelling(json);
const spelled = (text: string) => new SpelledNumber(text);

t.test('numbers keep a spelling that says more than their value', async (t) => {
  t.strictSame(read('{"a": 1.10, "b": [1.0, 1.5, -0, 7], "c": {"__proto__": 1e3}}'), {
    a: spelled('1.10'),
    b: [spelled('1.0'), 1.5, spelled('-0'), 7],
    c: Object.fromEntries([['__proto__', spelled('1e3')]]),
  });
});

t.test('numbers in texts and names are texts', async (t) => {
  for (const json of ['{"1.10": "1.10"}', '{"a": "\\\\", "b": "\\" 1.10", "c\\"1.0": ""}']) {
    t.strictSame(read(json), JSON.parse(json), json);
  }
  t.match(read('{"a": "x\\\\", "b": 1.10}'), { a: 'x\\', b: spelled('1.10') });
});

t.test('any JSON is read as it would be without', async () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.stringify(value);
      return JSON.stringify(read(json)) === json;
    }),
  );
});

t.test('where a text is wanted the spelling counts, elsewhere the value', async (t) => {
  t.equal(coerce(Type.String(), spelled('1.10')), '1.10');
  t.equal(coerce(Type.Integer(), spelled('1.0')), 1);
  t.equal(coerce(Type.Integer(), spelled('1.10')), 1.1);
  t.equal(coerce(Type.Number(), spelled('0.50')), 0.5);
  t.equal(coerce(Type.Boolean(), spelled('1.0')), true);
  t.equal(coerce(Type.Union([Type.String(), Type.Integer()]), spelled('1.0')), 1);
  t.strictSame(
    coerce(Type.Record(Type.String(), Type.Unknown()), { tag: spelled('1.10'), all: [spelled('1.0')] }),
    { tag: '1.10', all: ['1.0'] },
  );
  t.strictSame(withSpelling([{ a: spelled('1.10') }, null, 'x']), [{ a: '1.10' }, null, 'x']);
});

t.test('one that is too large is refused as it was written, with the way out', async (t) => {
  t.throws(() => assertStorable('id', read('{"a": 12345678901234567890}')), {
    message:
      'id.a holds a number that is too large: 12345678901234567890 (where a text may stand, put it in quotes)',
    parameter: 'id',
  });
  t.throws(() => assertStorable('id', spelled('1e400')), { message: /1e400/ });
  t.doesNotThrow(() => assertStorable('tag', spelled('1.10')));
});

t.test('endless nesting can be read, and is refused later', async (t) => {
  const deep = read(`{"a": ${'['.repeat(10_000)}1.10${']'.repeat(10_000)}}`);
  t.throws(() => assertStorable('a', deep), { message: /nested more than 64/ });
});
