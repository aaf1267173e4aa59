import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { sharedLook } from './shared-look.js';

t.test('who asks while it is looked, or soon after, shares the answer', async (t) => {
  let looks = 0;
  let release: () => void = () => undefined;
  const look = sharedLook(
    async () => {
      looks++;
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return looks;
    },
    () => 60_000,
  );
  const asked = Array.from({ length: 1_000 }, look);
  release();
  t.strictSame(new Set(await Promise.all(asked)), new Set([1]));
  t.equal(await look(), 1);
  t.equal(looks, 1);
});

t.test('an answer counts as long as it says, a failure not at all', async (t) => {
  let looks = 0;
  const look = sharedLook(
    async () => ++looks,
    (answer) => (answer === 1 ? 0 : 60_000),
  );
  t.equal(await look(), 1);
  while ((await look()) === 1) await sleep(1);
  t.equal(await look(), 2);

  let failed = 0;
  const failing = sharedLook(
    async () => {
      throw new Error(`no ${++failed}`);
    },
    () => 60_000,
  );
  await t.rejects(failing(), { message: 'no 1' });
  await t.rejects(failing(), { message: 'no 2' });
});
