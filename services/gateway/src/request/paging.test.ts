import t from 'tap';
import { readPage } from './paging.js';

t.test('absent or unusable means the default', async (t) => {
  for (const wrong of [undefined, null, '', 'x', 0, -1, '0', 1.5, '1.5', true, [3], { a: 1 }, '1e3']) {
    t.strictSame(readPage(wrong, wrong), { page: 1, page_size: 10 });
  }
});

t.test('numbers and strings of digits count', async (t) => {
  t.strictSame(readPage(2, '20'), { page: 2, page_size: 20 });
});

t.test('too large becomes the largest', async (t) => {
  t.strictSame(readPage(1, 10_001), { page: 1, page_size: 10_000 });
  const { page, page_size } = readPage(Number.MAX_SAFE_INTEGER, 10_000);
  t.ok(Number.isSafeInteger(page * page_size), 'a service can compute where the page begins');
});
