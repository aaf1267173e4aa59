import t from 'tap';
import { DenialSums, type Unnumbered } from './denial-sums.js';

const MINUTE = 60_000;

function denial(change: Partial<Unnumbered> = {}): Unnumbered {
  return {
    time: 0,
    operator: 'dashboard',
    action: 'task.stop',
    target: 'task-7',
    client: '10.0.0.1',
    correlation_id: 'c',
    outcome: 'denied',
    status: 403,
    reason: 'this needs the role operator, token dashboard has viewer',
    ...change,
  };
}

const count = (told: readonly Unnumbered[]): number => told.reduce((sum, { times = 1 }) => sum + times, 0);

t.test('the first denial is reported at once, the others of the minute together', async (t) => {
  const sums = new DenialSums();
  t.strictSame(sums.add(denial()), denial());
  for (let n = 1; n <= 1_000; n++)
    t.equal(sums.add(denial({ time: n, target: `task-${n}`, correlation_id: `c${n}` })), undefined);
  t.strictSame(sums.due(MINUTE - 1), []);
  t.strictSame(sums.due(MINUTE), [
    denial({ time: 1_000, target: '', correlation_id: 'c1000', times: 1_000 }),
  ]);
  t.strictSame(sums.due(MINUTE), [], 'once');
});

t.test(
  'a single further denial is reported unchanged, several with one target have that target',
  async (t) => {
    const sums = new DenialSums();
    sums.add(denial());
    sums.add(denial({ time: 5, target: 'task-8' }));
    t.strictSame(sums.due(MINUTE), [denial({ time: 5, target: 'task-8' })]);
    sums.add(denial({ time: MINUTE + 1 }));
    sums.add(denial({ time: MINUTE + 2 }));
    t.strictSame(sums.due(Number.POSITIVE_INFINITY), [denial({ time: MINUTE + 2, times: 2 })]);
  },
);

t.test(
  'while denials go on, lines come less and less often; after a pause the first is reported at once again',
  async (t) => {
    const sums = new DenialSums();
    const told: Unnumbered[] = [];
    const lines: number[] = [];
    let sent = 0;
    const day = 24 * 60;
    for (let minute = 0; minute < day; minute++) {
      const due = sums.due(minute * MINUTE);
      told.push(...due);
      if (due.length > 0) lines.push(minute);
      for (let n = 0; n < 10; n++) {
        sent++;
        told.push(...[sums.add(denial({ time: minute * MINUTE }))].filter((line) => line !== undefined));
      }
    }
    t.strictSame(lines.slice(0, 8), [1, 3, 7, 15, 31, 63, 123, 183]);
    t.ok(told.length < 35, `${told.length} lines in a day`);
    told.push(...sums.due(Number.POSITIVE_INFINITY));
    t.equal(count(told), sent, 'none is missing');

    const rested = new DenialSums();
    rested.add(denial());
    t.strictSame(rested.due(MINUTE), []);
    t.equal(rested.size, 0, 'nothing is kept of it');
    t.ok(rested.add(denial({ time: MINUTE + 1 })));
  },
);

t.test('kinds are reported separately up to a limit, and beyond it no request is lost', async (t) => {
  const sums = new DenialSums();
  for (const change of [
    {},
    { operator: 'other' },
    { action: 'task.pause' },
    { client: '10.0.0.2' },
    { status: 401 },
    { reason: 'no token was sent' },
  ])
    t.ok(sums.add(denial(change)), JSON.stringify(change));

  const told: Unnumbered[] = [];
  let sent = 0;
  const send = (change: Partial<Unnumbered>) => {
    sent++;
    const line = flood.add(denial(change));
    if (line) told.push(line);
  };
  const flood = new DenialSums();
  for (let n = 0; n < 5_000; n++) send({ operator: '', action: `GET /${n}`, status: 401 });
  t.equal(flood.size, 101);
  t.match(told.at(-1), { operator: '', action: 'audit.more', client: '', status: 401 });
  const before = told.length;
  send({});
  t.equal(told.length, before + 1, 'another operator is told of as ever');
  for (let n = 0; n < 5_000; n++) send({ operator: `o${n}` });
  t.ok(flood.size <= 1_002, `${flood.size}`);
  send({ operator: 'o1' });
  told.push(...flood.due(Number.POSITIVE_INFINITY));
  t.equal(count(told), sent);
  t.ok(told.length < 1_100, `${told.length} lines`);
  flood.due(Number.POSITIVE_INFINITY);
  t.equal(flood.size, 0);
});
