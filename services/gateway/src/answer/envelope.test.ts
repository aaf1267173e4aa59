import fc from 'fast-check';
import t from 'tap';
import { done, failureEnvelope, listed, successEnvelope } from './envelope.js';
import { reason } from './reason.js';

t.test('paging stands beside the data', async (t) => {
  t.strictSame(successEnvelope({ data: '' }), { code: 0, msg: 'success', data: '' });
  t.strictSame(successEnvelope(listed({ page: 2, page_size: 1 }, { rows: ['a'], total: 2 })), {
    code: 0,
    msg: 'success',
    data: ['a'],
    page: 2,
    page_size: 1,
    query_count: 2,
  });
});

t.test('notes stand beside the data, where there are any', async (t) => {
  t.strictSame(successEnvelope(done(1, ['saved with "LF"'])), {
    code: 0,
    msg: 'success',
    data: 1,
    notes: ["saved with 'LF'"],
  });
  t.strictSame(successEnvelope(done(1)), { code: 0, msg: 'success', data: 1 });
});

t.test('a message can stand between quotes in JSON as it is', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { msg } = failureEnvelope(400, text, {}, reason('invalid'));
      return JSON.parse(`"${msg}"`) === msg;
    }),
  );
});
