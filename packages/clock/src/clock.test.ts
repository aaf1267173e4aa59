import tap from 'tap';
import { systemClock } from './clock.js';

tap.test('a sleep rejects with the reason of its signal', async (t) => {
  const reason = new Error('somebody else has the run');
  const ending = new AbortController();
  const sleeping = systemClock.sleep(60_000, ending.signal);
  ending.abort(reason);
  await t.rejects(sleeping, reason);
  await t.rejects(systemClock.sleep(60_000, AbortSignal.abort(reason)), reason);
});

tap.test('what is called off is not done', async (t) => {
  let done = 0;
  const callOff = systemClock.after(1, () => done++);
  callOff();
  const end = systemClock.every(1, () => done++);
  end();
  await systemClock.sleep(20);
  t.equal(done, 0);
});

tap.test('what is due is done: once, or again and again', async (t) => {
  let once = 0;
  let often = 0;
  systemClock.after(1, () => once++);
  await new Promise<void>((resolve) => {
    const end = systemClock.every(1, () => {
      often++;
      if (often < 3) return;
      end();
      resolve();
    });
  });
  t.equal(once, 1);
  t.equal(often, 3);
});
