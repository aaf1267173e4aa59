import fc from 'fast-check';
import t from 'tap';
import { onceKeyOf, readIdempotencyKey } from './idempotency-key.js';

const read = (...headers: string[]) =>
  readIdempotencyKey({
    headers: headers.length > 0 ? { 'idempotency-key': headers.join(', ') } : {},
    rawHeaders: headers.flatMap((header) => ['Idempotency-Key', header]),
  });

t.test('a key is bare or in quotation marks', async (t) => {
  t.equal(read(), undefined);
  t.equal(read('8e03978e-40d5-43dd-bc93-6894a57f9324'), '8e03978e-40d5-43dd-bc93-6894a57f9324');
  t.equal(read('"8e03978e"'), '8e03978e', 'as the draft of the IETF writes it');
  t.equal(read('  two words '), 'two words');
  t.equal(read('" "'), ' ');
  t.equal(read('"a \\"b\\" \\\\ c"'), 'a "b" \\ c');
  t.equal(read('a"b'), 'a"b');
  t.equal(read('x'.repeat(255)), 'x'.repeat(255));
});

t.test('any other value is refused, with the fault', async (t) => {
  const wrong: [string[], RegExp][] = [
    [[''], /is empty/],
    [['""'], /is empty/],
    [['x'.repeat(256)], /at most 255 characters, not 256/],
    [[`"${'x'.repeat(256)}"`], /at most 255 characters, not 256/],
    [['sch\u00fcssel'], /printable ASCII/],
    [['a\tb'], /printable ASCII/],
    [['"a'], /quotation marks/],
    [['"'], /quotation marks/],
    [['"a"b"'], /quotation marks/],
    [['"a\\x"'], /quotation marks/],
    [['a', 'b'], /more than once/],
  ];
  for (const [headers, message] of wrong) {
    t.throws(() => read(...headers), { name: 'WrongHeader', message }, JSON.stringify(headers));
  }
});

t.test('any text of printable characters in quotation marks is read back', async () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ -~]{1,255}$/), (key) => {
      const quoted = `"${key.replaceAll(/["\\]/g, '\\$&')}"`;
      return read(quoted) === key;
    }),
  );
});

const scope = { operator: 'ann', method: 'POST', route: '/pool/expand/:id', given: { id: 7, num: 2 } };
const keyOf = (change: Partial<typeof scope> = {}, key = 'k') => onceKeyOf(key, { ...scope, ...change });

t.test('the key counts for operator, method, and path with its parameters', async (t) => {
  const first = keyOf();
  t.match(first, { key: /^[0-9a-f]{64}$/, request: /^[0-9a-f]{64}$/ });
  t.strictSame(keyOf(), first);
  for (const other of [
    keyOf({}, 'k2'),
    keyOf({ operator: 'ben' }),
    keyOf({ method: 'GET' }),
    keyOf({ route: '/pool/shrink/:id' }),
    keyOf({ given: { id: 8, num: 2 } }),
  ]) {
    t.not(other.key, first.key);
  }
  const otherBody = keyOf({ given: { id: 7, num: 3 } });
  t.equal(otherBody.key, first.key);
  t.not(otherBody.request, first.request);
});

t.test('no two of them run into each other', async (t) => {
  t.not(keyOf({ operator: 'a","b' }).key, keyOf({ operator: 'a', method: 'b' }).key);
  t.not(
    keyOf({ given: { id: 7, num: [1, [2]] as never } }).request,
    keyOf({ given: { id: 7, num: [[1], 2] as never } }).request,
  );
});

t.test('the order of fields does not count, that of lists does', async () => {
  const shuffled = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(shuffled)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([name, field]) => [name, shuffled(field)]),
          )
        : value;
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (given) => {
      const of = (value: unknown) => keyOf({ given: value as typeof scope.given }).request;
      return of(given) === of(shuffled(given));
    }),
  );
});
