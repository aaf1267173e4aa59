import t from 'tap';
import { correlationIdFrom } from './correlation.js';

const from = (given: string | undefined) => correlationIdFrom({ 'x-correlation-id': given });

t.test("the caller's own id is kept", async (t) => {
  for (const id of ['abc', 'A-1_2.3:4', 'x'.repeat(128)]) t.equal(from(id), id);
});

t.test('an id that could break a log or a header is replaced', async (t) => {
  for (const id of [undefined, '', 'a b', 'a\nb', '"', 'ä', 'x'.repeat(129), 'a,b']) {
    t.match(from(id), /^[0-9a-f]{16}$/);
  }
  t.not(from(undefined), from(undefined));
});
