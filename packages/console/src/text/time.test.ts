import t from 'tap';
import { durationText, partsOf, roundText } from './time.js';

t.test('durations are exact, and as long as they must be', async (t) => {
  t.same(
    [0, 412, 999.6, 1_000, 43_800, 103_849, 3_599_960, 7_205_400, 90_000_000, -1, Number.NaN].map(
      durationText,
    ),
    [
      '0 ms',
      '412 ms',
      '1 s',
      '1 s',
      '43.8 s',
      '1 m 43.8 s',
      '1 h 0 m 0 s',
      '2 h 0 m 5 s',
      '1 d 1 h 0 m',
      '',
      '',
    ],
  );
});

t.test('round durations are told without zeros at their end', async (t) => {
  t.same([0, 500, 60_000, 300_000, 5_400_000, 7_200_000, 7_205_000, 86_400_000, 600_000].map(roundText), [
    '0 ms',
    '500 ms',
    '1 m',
    '5 m',
    '1 h 30 m',
    '2 h',
    '2 h 0 m 5 s',
    '1 d',
    '10 m',
  ]);
});

t.test('a time names its zone, also on both sides of a change of the clocks', async (t) => {
  const before = partsOf(new Date('2026-10-25T00:30:00.250Z'), 'en-US', 'Europe/Berlin');
  const after = partsOf(new Date('2026-10-25T01:30:00.250Z'), 'en-US', 'Europe/Berlin');
  t.same([before.time, after.time], ['02:30:00', '02:30:00']);
  t.not(before.zone, after.zone);
  t.same(partsOf(new Date('2026-11-29T23:59:59.007Z'), 'zh-CN', 'UTC'), {
    date: '2026-11-29',
    time: '23:59:59',
    fraction: '.007',
    zone: 'UTC',
  });
});
