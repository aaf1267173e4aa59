import type { CronItem } from '@rigel/contracts';
import t from 'tap';
import { dueTimesBetween, itemInForce, nextDueTime } from './calendar.js';

const item = (time: string, values: Partial<CronItem> = {}): CronItem => ({
  id: 1,
  week_day: 0,
  time,
  instance_num: 1,
  concurr_ratio: 100,
  concurr_num: 0,
  ignore: false,
  ...values,
});
const at = (text: string): number => Date.parse(text);
const dues = (items: CronItem[], zone: string, from: string, to: string): string[] =>
  dueTimesBetween(items, zone, at(from), at(to), 100).map(({ due }) => new Date(due).toISOString());

t.test('an hour that does not exist runs once right after it', async (t) => {
  t.strictSame(dues([item('02:30')], 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z'), [
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ]);
  t.strictSame(dues([item('02:15:07')], 'America/New_York', '2026-03-07T12:00:00Z', '2026-03-09T12:00:00Z'), [
    '2026-03-08T07:00:00.000Z',
    '2026-03-09T06:15:07.000Z',
  ]);
  t.strictSame(
    dues([item('00:30', { week_day: 6 })], 'Africa/Cairo', '2026-04-20T00:00:00Z', '2026-05-02T00:00:00Z'),
    ['2026-04-23T22:00:00.000Z', '2026-04-30T21:30:00.000Z'],
    'also when it is the first hour of the day',
  );
});

t.test('an hour that comes twice runs once', async (t) => {
  t.strictSame(dues([item('02:30')], 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-26T12:00:00Z'), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ]);
  t.strictSame(
    dues([item('01:45')], 'Australia/Lord_Howe', '2026-04-04T00:00:00Z', '2026-04-06T00:00:00Z'),
    ['2026-04-04T14:45:00.000Z', '2026-04-05T15:15:00.000Z'],
    'and half an hour',
  );
});

t.test('week days: 1 is Sunday, 7 is Saturday, 0 all', async (t) => {
  for (let day = 1; day <= 7; day++) {
    const next = nextDueTime([item('12:00:00', { week_day: day })], 'UTC', at('2026-06-06T23:00:00Z'));
    t.equal(new Date(next?.due ?? 0).getUTCDay(), day - 1);
  }
});

t.test('of items at the same moment one holds', async (t) => {
  const next = (items: CronItem[], from: string, zone = 'UTC') => nextDueTime(items, zone, at(from))?.item.id;
  const daily = item('12:00', { id: 1 });
  const sunday = item('12:00', { id: 2, week_day: 1 });
  t.equal(next([daily, sunday], '2026-06-06T13:00:00Z'), 2, 'that for the day of the week');
  t.equal(next([sunday, daily], '2026-06-06T13:00:00Z'), 2);
  t.equal(next([daily, { ...sunday, ignore: true }], '2026-06-06T13:00:00Z'), 1, 'not an ignored one');
  const gap = [item('02:45', { id: 3 }), item('03:00', { id: 4 }), item('02:15', { id: 5 })];
  t.equal(next(gap, '2026-03-29T00:00:00Z', 'Europe/Berlin'), 4, 'in the gap the one whose time is later');
});

t.test('the item in force is the one that was due last, ignored ones aside', async (t) => {
  const items = [
    item('08:00', { id: 1 }),
    item('20:00', { id: 2, week_day: 2 }),
    item('09:00', { id: 3, ignore: true }),
  ];
  const inForce = (when: string) => itemInForce(items, 'UTC', at(when))?.id;
  t.equal(inForce('2026-06-08T20:00:00Z'), 2, 'from its very moment');
  t.equal(inForce('2026-06-08T19:59:59Z'), 1);
  t.equal(inForce('2026-06-09T10:00:00Z'), 1);
  t.equal(itemInForce([items[1] as CronItem], 'UTC', at('2026-06-08T19:59:59Z'))?.id, 2, 'a week ago');
  t.equal(itemInForce([], 'UTC', 0), undefined);
});
