import t from 'tap';
import { waitFor } from './index.js';

t.test('waitFor returns the first answer that is neither undefined nor false', async (t) => {
  const answers = [undefined, false, new Error('not yet'), 0];
  const answer = await waitFor(
    () => {
      const next = answers.shift();
      if (next instanceof Error) throw next;
      return next;
    },
    { what: 'an answer' },
  );
  t.equal(answer, 0);
  t.strictSame(answers, []);
});

t.test(
  'when the time is up, the error says what it waited for, and its cause is the last error',
  async (t) => {
    const refused = new Error('refused');
    const waiting = waitFor(() => Promise.reject(refused), { what: 'the door to open', timeoutMs: 50 });
    const error = await waiting.catch((e: unknown) => e);
    t.match(error, { message: 'waited 50 ms in vain: the door to open' });
    t.equal((error as Error).cause, refused);
  },
);
