import { systemClock } from '@rigel/clock';
import t from 'tap';
import { CallLimiter } from './limits.js';

const never = new AbortController().signal;

t.test('no more calls at once than allowed, in the order in which they came', async (t) => {
  const limiter = new CallLimiter({ maxConcurrent: 2, callsPerSecond: undefined }, systemClock);
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const waits: string[] = [];
  const calls = [0, 1, 2, 3].map((number) =>
    limiter.run(
      () => {
        started.push(number);
        return new Promise<void>((resolve) => ends.push(resolve));
      },
      never,
      (what) => waits.push(`${number}: ${what}`),
    ),
  );
  t.same(started, [0, 1]);
  t.same(
    waits.map((line) => line[0]),
    ['2', '3'],
  );
  for (let number = 0; number < 4; number++) {
    ends[number]?.();
    await calls[number];
  }
  t.same(started, [0, 1, 2, 3]);
});

t.test('one that does not wait any more leaves the queue', async (t) => {
  const limiter = new CallLimiter({ maxConcurrent: 1, callsPerSecond: undefined }, systemClock);
  let end: () => void = () => undefined;
  const first = limiter.run(
    () => new Promise<void>((resolve) => (end = resolve)),
    never,
    () => undefined,
  );
  const ending = new AbortController();
  const second = limiter.run(
    async () => t.fail('it was called'),
    ending.signal,
    () => undefined,
  );
  const third = limiter.run(
    async () => 'third',
    never,
    () => undefined,
  );
  ending.abort(new Error('stopped'));
  await t.rejects(second, { message: 'stopped' });
  end();
  await first;
  t.equal(await third, 'third');
  await t.rejects(
    limiter.run(
      () => Promise.reject(new Error('no')),
      never,
      () => undefined,
    ),
    { message: 'no' },
  );
  t.equal(
    await limiter.run(
      async () => 'free again',
      never,
      () => undefined,
    ),
    'free again',
  );
});

t.test('calls are spread over the second', async (t) => {
  const limiter = new CallLimiter({ maxConcurrent: 100, callsPerSecond: 50 }, systemClock);
  const from = Date.now();
  const waits: string[] = [];
  await Promise.all(
    Array.from({ length: 11 }, () =>
      limiter.run(
        async () => undefined,
        never,
        (what) => waits.push(what),
      ),
    ),
  );
  t.ok(Date.now() - from >= 195, 'ten pauses of 20 ms');
  t.equal(waits[0], '50 calls a second are allowed');
});
