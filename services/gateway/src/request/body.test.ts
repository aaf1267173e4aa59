import fc from 'fast-check';
import t from 'tap';
import { RequestTooLarge } from '../failures.js';
import { encodingOf, readBody } from './body.js';

const read = (text: string) => readBody(Buffer.from(text));

t.test('is recognised by its content', async (t) => {
  t.strictSame(readBody(undefined), { values: {} });
  t.strictSame(read(' \n'), { values: {} });
  t.strictSame(read(' \n{"id": 1, "name": "平台"}\n'), { values: { id: 1, name: '平台' } });
  t.strictSame(read('page=1&page_size=10\n'), { values: { page: '1', page_size: '10' } });
});

t.test('JSON is strict, and the message has the position of a mistake', async (t) => {
  t.match(read('{"id":1,}'), { unreadable: 'the body is not valid JSON (at character 9)' });
  t.match(read('{"id":'), {
    unreadable: 'the body is not valid JSON (it ends too early, after character 6)',
  });
  t.match(read("{'id':1}"), { unreadable: /at character 2/ });
  t.match(read('{"id":1} x'), { unreadable: /at character 10/ });
});

t.test('the message about an unreadable body does not repeat its text', async (t) => {
  t.notMatch(JSON.stringify(read('{"password": secret}')), /secret/);
});

t.test('other JSON, text and wrong UTF-8 cannot be read', async (t) => {
  for (const text of ['[1]', '["a=b"]', '"a=b"', 'true', 'hello']) {
    t.hasOwnProp(read(text), 'unreadable', text);
  }
  t.hasOwnProp(readBody(Buffer.from([0x61, 0x3d, 0xff])), 'unreadable');
});

t.test('a compressed body cannot be read', async (t) => {
  const bytes = Buffer.from('{"id": 1}');
  const none = encodingOf({ 'content-encoding': ' Identity', 'transfer-encoding': 'chunked' });
  t.strictSame(readBody(bytes, none), { values: { id: 1 } });
  t.equal(encodingOf({ 'content-encoding': 'br', 'transfer-encoding': 'GZIP, chunked' }), 'br, gzip');
  t.strictSame(readBody(bytes, 'gzip'), {
    unreadable: 'the body has the encoding gzip, which is not supported',
  });
});

t.test('reads back any JSON object', async () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (given) => {
      const text = JSON.stringify(given);
      const source = read(text);
      return 'values' in source && JSON.stringify(source.values) === JSON.stringify(JSON.parse(text));
    }),
  );
});

t.test('never throws, whatever the bytes are', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom('', '{', '{"a":', 'a='), (bytes, head) => {
      readBody(Buffer.concat([Buffer.from(head), bytes]));
    }),
  );
});

t.test('millions of nested brackets are refused, not a crash', async (t) => {
  t.throws(() => read(`{"a":${'['.repeat(2_000_000)}`), RequestTooLarge);
});

t.test('numbers whose spelling is kept are not without end', async (t) => {
  const body = (count: number) => read(`{"a": [${Array(count).fill('1.0').join()}]}`);
  t.hasOwnProp(body(10_000), 'values');
  t.match(body(10_001), { unreadable: /more than 10000 numbers like 1.10 .* put them in quotes$/ });
});

t.test('one member or pair over the limit is refused before the body is parsed', async (t) => {
  const limited = (text: string) => readBody(Buffer.from(text), '', { entries: 1_000 });
  const keys = (count: number) => Array.from({ length: count }, (_, n) => `"k${n}":1`).join();
  const pairs = (count: number) => Array.from({ length: count }, (_, n) => `k${n}=1`).join('&');
  // The object itself counts as one.
  t.hasOwnProp(limited(`{${keys(1_000)}}`), 'values');
  t.throws(() => limited(`{${keys(1_001)}}`), {
    message:
      'the body has more than 1000 members and elements: leave out what is not read here, or send it in several requests',
  });
  t.throws(() => limited(`{"a": [${Array(1_000).fill('[]').join()}]}`), RequestTooLarge);
  t.hasOwnProp(limited(pairs(1_000)), 'values');
  t.throws(() => limited(pairs(1_001)), RequestTooLarge);
  t.throws(() => limited('a=&'.repeat(1_000)), RequestTooLarge);
  t.hasOwnProp(limited(`{"a": "${',[{'.repeat(1_000)}"}`), 'values', 'what stands in a text is no member');
  t.hasOwnProp(limited('a=,,[[{{'.repeat(1_000)), 'values');
});

t.test('65 levels are read, 66 are not', async (t) => {
  const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  t.hasOwnProp(read(nested(65)), 'values');
  t.throws(() => read(nested(66)), { message: 'the body is nested more than 65 levels deep' });
  t.hasOwnProp(read(`{"a": [${Array(100).fill(nested(60)).join()}]}`), 'values', 'beside each other');
});

t.test('names of prototypes are names', async (t) => {
  const text = '{"__proto__": {"a": 1}, "constructor": 1.10, "toString": 3}';
  const source = read(text);
  if (!('values' in source)) return t.fail('it can be read');
  t.strictSame(Object.keys(source.values), ['__proto__', 'constructor', 'toString']);
  t.equal((source.values as { a?: number }).a, undefined);
  const form = read('__proto__=1&constructor=2');
  t.strictSame('values' in form && Object.keys(form.values), ['__proto__', 'constructor']);
});
