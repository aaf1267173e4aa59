import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import t from 'tap';
import { Strangers } from './strangers.js';

t.test('a few at once, the others in their order, more than can wait not at all', async (t) => {
  const strangers = new Strangers();
  let running = 0;
  let most = 0;
  const ends: (() => void)[] = [];
  const begun: number[] = [];
  const all = Array.from({ length: 1_017 }, (_, n) =>
    strangers.inTurn(async () => {
      begun.push(n);
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => ends.push(resolve));
      running--;
      // Whoever waits is not kept waiting by a look-up that fails.
      if (n % 2 === 1) throw new Error('nobody answers');
      return n;
    }),
  );
  const settled = Promise.allSettled(all);
  t.equal(await all[1_016], undefined, 'there is no room to wait');
  while (begun.length < 1_016 || ends.length > 0) {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const outcomes = await settled;
  t.equal(most, 16);
  t.strictSame(
    begun,
    Array.from({ length: 1_016 }, (_, n) => n),
  );
  t.equal(outcomes.filter(({ status }) => status === 'rejected').length, 508);
});

t.test('the turn of a request lasts until its answer is sent or its client is gone', async (t) => {
  const strangers = new Strangers();
  const responses = Array.from({ length: 17 }, () => Object.assign(new EventEmitter(), { destroyed: false }));
  const entered: number[] = [];
  const all = responses.map((response, n) =>
    strangers.enter(response as unknown as ServerResponse).then((may) => may && entered.push(n)),
  );
  await Promise.all(all.slice(0, 16));
  t.equal(entered.length, 16, 'the last one waits');
  responses[3]?.emit('finish');
  responses[3]?.emit('close');
  await all[16];
  t.equal(entered.at(-1), 16);
});
