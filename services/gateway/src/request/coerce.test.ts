import fc from 'fast-check';
import t from 'tap';
import { Type } from 'typebox';
import { coerce } from './coerce.js';

const integer = Type.Integer();

t.test('integers may be strings of digits', async (t) => {
  t.equal(coerce(integer, '7'), 7);
  t.equal(coerce(integer, ' 007 '), 7);
  t.equal(coerce(integer, '-1'), -1);
  for (const wrong of ['', '1.0', '1e3', '0x10', '+1', 'x', '9007199254740993', true, null, [1]]) {
    t.equal(coerce(integer, wrong), wrong, `${wrong} stays as it is`);
  }
});

t.test('numbers may be strings of digits', async (t) => {
  t.equal(coerce(Type.Number(), ' 0.5 '), 0.5);
  t.equal(coerce(Type.Number(), '-2'), -2);
  for (const wrong of ['', '.5', '1e3', 'Infinity', null]) t.equal(coerce(Type.Number(), wrong), wrong);
});

t.test('strings may be numbers, but nothing else', async (t) => {
  t.equal(coerce(Type.String(), 1), '1');
  t.equal(coerce(Type.String(), 1.5), '1.5');
  t.equal(coerce(Type.String(), true), true);
});

t.test('booleans may be 0, 1 or words', async (t) => {
  for (const yes of [true, 1, '1', 'true']) t.equal(coerce(Type.Boolean(), yes), true);
  for (const no of [false, 0, '0', 'false']) t.equal(coerce(Type.Boolean(), no), false);
  for (const wrong of [2, 'yes', '', 'TRUE']) t.equal(coerce(Type.Boolean(), wrong), wrong);
});

t.test('lists may not be strings', async (t) => {
  t.equal(coerce(Type.Array(Type.String()), '["a"]'), '["a"]');
  t.strictSame(coerce(Type.Array(integer), ['1', 2, 'x']), [1, 2, 'x']);
});

t.test(
  'fields of objects are coerced, null in an optional one is as if absent, unknown ones stay',
  async (t) => {
    const schema = Type.Object({
      a: Type.Optional(integer),
      b: integer,
      c: Type.Optional(Type.Object({ d: Type.Boolean() })),
    });
    t.strictSame(coerce(schema, { a: null, b: null, c: { d: 1 }, x: null }), {
      b: null,
      c: { d: true },
      x: null,
    });
  },
);

t.test('of several forms the one that the value has is taken', async (t) => {
  const schema = Type.Union([Type.Array(integer), Type.Object({ a: integer }), Type.String()]);
  t.strictSame(coerce(schema, ['1']), [1]);
  t.strictSame(coerce(schema, { a: '1' }), { a: 1 });
  t.equal(coerce(schema, '1'), '1');
  t.equal(coerce(schema, 1), 1);
});

t.test('a field named __proto__ is a field like others', async (t) => {
  const value = JSON.parse('{"__proto__": {"a": 1}}');
  const result = coerce(Type.Object({ a: Type.Optional(integer) }), value) as Record<string, unknown>;
  t.equal(result.a, undefined);
  t.equal(JSON.stringify(result), '{"__proto__":{"a":1}}');
});

t.test('every safe integer survives being written as a string', async () => {
  fc.assert(fc.property(fc.maxSafeInteger(), (n) => coerce(integer, String(n)) === n || n === 0));
});

t.test('doing it twice changes nothing more', async () => {
  const schema = Type.Object({
    a: Type.Optional(integer),
    b: Type.Optional(Type.String()),
    c: Type.Optional(Type.Boolean()),
    d: Type.Optional(Type.Array(integer)),
  });
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.jsonValue()), (value) => {
      const once = coerce(schema, value);
      return JSON.stringify(coerce(schema, once)) === JSON.stringify(once);
    }),
  );
});
