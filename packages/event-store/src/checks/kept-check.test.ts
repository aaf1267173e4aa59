import { systemClock } from '@rigel/clock';
import { ServiceError } from '@rigel/contracts';
import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import { sql } from 'kysely';
import t from 'tap';
import { databasesOf } from '../testing/databases.js';
import { type CheckOptions, createChecks, KeptCheck } from './kept-check.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const db = await databasesOf(servers, createChecks)(t);

type Run = CheckOptions<{ found: number }>['run'];

function replica(name: string, run: Run, limitMs = 60_000): KeptCheck<{ found: number }> {
  return new KeptCheck({ db, name, limitMs, clock: systemClock, log: silentLogger, run });
}

const ended = (check: KeptCheck<{ found: number }>) =>
  waitFor(
    async () => {
      const { running, last } = await check.read();
      return running === null && last ? last : undefined;
    },
    { what: 'the end of the check' },
  );

t.test('one replica checks at a time, and all read the same', async (t) => {
  let finish: (result: { found: number }) => void = () => undefined;
  const first = replica('one', (_signal, progress) => {
    progress(7);
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  const second = replica('one', async () => ({ found: 99 }));
  t.strictSame(await second.read(), { running: null, last: null });
  t.ok(await first.begin('ann'));
  t.notOk(await first.begin('bob'), 'it runs here');
  t.notOk(await second.begin('bob'), 'it runs in another replica');
  t.match(await second.read(), { running: { by: 'ann' }, last: null });
  finish({ found: 3 });
  t.match(await ended(second), { by: 'ann', result: { found: 3 }, reason: '' });
  t.ok(await second.begin('bob'));
  t.match(await ended(first), { by: 'bob', result: { found: 99 } });
});

t.test('what is given up or cannot be done leaves its reason', async (t) => {
  const fails = replica('fails', async () => {
    throw new ServiceError('unavailable', 'nobody\0 answers');
  });
  t.ok(await fails.begin('ann'));
  t.match(await ended(fails), { result: null, reason: 'nobody answers' });

  const waits: Run = (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  const slow = replica('slow', waits, 200);
  t.ok(await slow.begin('ann'));
  t.match(await ended(slow), { result: null, reason: /^it took longer than/ });

  const deaf: Run = () => new Promise(() => undefined);
  const stopped = replica('stopped', deaf);
  t.ok(await stopped.begin('ann'));
  await stopped.stop();
  t.match(await stopped.read(), { running: null, last: { reason: /the service was shut down/ } });
  t.notOk(await stopped.begin('ann'));
});

t.test('a replica that dies does not keep others from checking for ever', async (t) => {
  await sql`
    INSERT INTO checks (name, running_since, running_until, running_by)
    VALUES ('dead', 1, ${Date.now() - 1}, 'ann')`.execute(db);
  const check = replica('dead', async () => ({ found: 0 }));
  t.match(await check.read(), { running: null });
  t.ok(await check.begin('bob'));
  t.match(await ended(check), { by: 'bob', result: { found: 0 } });
});
