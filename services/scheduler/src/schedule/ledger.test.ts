import type { CronItemInput } from '@rigel/contracts';
import t, { type Test } from 'tap';
import {
  beginFiring,
  type Definition,
  finishFiring,
  giveUp,
  leaveOut,
  nextMoment,
  passTime,
  save,
  takeBack,
  takeOver,
} from './decide.js';
import type { ScheduleEvent } from './events.js';
import { isIgnored, type LedgerRow, ledgerOf, type Saving } from './ledger.js';
import { evolveSchedule, leftOutOf, type ScheduleState } from './state.js';

/*
 * Random histories of scheduled tasks: saves with other items and zones, moments that are left out and taken back, schedulers
 * that are away, take over and are late, and a deployment whose time zone changes. The ledger of any range of them balances.
 */

const ID = 3;

/** Random numbers from a seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 4_294_967_296;
  };
}

/** A history, and what the read tables would have of it. */
class History {
  state: ScheduleState | undefined;
  readonly savings: Saving[] = [];
  readonly rows = new Map<string, LedgerRow>();

  record(events: readonly ScheduleEvent[]): void {
    for (const event of events) {
      const leftOut = this.state ? leftOutOf(this.state) : new Set<number>();
      this.state = evolveSchedule(this.state, event, ID);
      if (event.type === 'ScheduleSaved') this.savings.push({ saved: event.data, leftOut });
      else if (event.type !== 'MomentLeftOut' && event.type !== 'MomentTakenBack') this.project(event);
    }
  }

  private project(event: Extract<ScheduleEvent, { type: `Occurrence${string}` }>): void {
    const { cause, due } = event.data;
    const key = `${cause} ${due}`;
    const row = this.rows.get(key);
    switch (event.type) {
      case 'OccurrenceOpened':
      case 'OccurrenceSkipped': {
        const reason = event.type === 'OccurrenceSkipped' ? event.data.reason : undefined;
        if (row) throw new Error(`${key} is opened twice`);
        this.rows.set(key, {
          cause,
          due,
          outcome: reason === undefined ? 'waiting' : 'skipped',
          isIgnored: isIgnored(reason ?? ''),
          zone: event.data.zone ?? '',
        });
        return;
      }
      case 'OccurrenceFiring':
        if (row) row.outcome = 'firing';
        return;
      default:
        if (row) row.outcome = event.data.outcome;
    }
  }
}

const TIMES = [
  '00:00',
  '01:30',
  '02:00',
  '02:30',
  '02:59:59',
  '03:00',
  '08:00',
  '13:37:11',
  '20:00:30',
  '23:59:59',
];
const ZONES = ['', '', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC'];

function randomDefinition(random: () => number): Definition {
  const pick = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random() * values.length)] as Value;
  const items = new Map<string, CronItemInput>();
  for (let count = Math.floor(random() * 5); count > 0; count--) {
    const item = { week_day: random() < 0.6 ? 0 : 1 + Math.floor(random() * 7), time: pick(TIMES) };
    items.set(`${item.week_day} ${item.time}`, {
      ...item,
      instance_num: Math.floor(random() * 20),
      concurr_ratio: 100,
      concurr_num: 0,
      ignore: random() < 0.2,
    });
  }
  return {
    pool: 4,
    type: random() < 0.7 ? 'expand' : 'upload',
    execType: random() < 0.9 ? 'crontab' : 'depend',
    timeZone: pick(ZONES),
    cronItems: [...items.values()],
    dependItems: [],
  };
}

async function history(t: Test, start: string, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const begin = Date.parse(start);
  const end = begin + 30 * 86_400_000;
  let zone = 'Europe/Berlin';
  let now = begin;
  const first = randomDefinition(random);
  const { type } = first;
  const story = new History();
  story.record(save(ID, undefined, first, { now, zone }));
  let task = 1;
  let leftOut = 0;
  while (now < end) {
    // Mostly minutes, sometimes as long as a scheduler is away.
    now += random() < 0.05 ? random() * 40 * 3_600_000 : random() * 90 * 60_000;
    now = Math.floor(now);
    const time = { now, zone };
    const state = (): ScheduleState => story.state as ScheduleState;
    const dice = random();
    if (dice < 0.02) story.record(save(ID, state(), { ...randomDefinition(random), type }, time));
    else if (dice < 0.03) zone = zone === 'UTC' ? 'Europe/Berlin' : 'UTC';
    else if (dice < 0.08) {
      const due = nextMoment(state(), time);
      if (due !== undefined) {
        story.record(leaveOut(state(), due, 'ann', time));
        leftOut++;
        if (random() < 0.3) story.record(takeBack(state(), due, 'bob', time));
      }
    } else if (dice < 0.1) {
      story.record(passTime(state(), time));
      story.record(takeOver(state(), time));
    } else {
      story.record(passTime(state(), time));
      if (random() < 0.8) story.record(beginFiring(state()));
      if (random() < 0.8) story.record(finishFiring(state(), random() < 0.6 ? [task++] : []));
      else if (random() < 0.3) story.record(giveUp(state(), 'paused: task 1'));
    }
  }
  const rows = [...story.rows.values()].sort((a, b) => a.due - b.due || (a.cause < b.cause ? -1 : 1));
  const { settledUntil } = story.state as ScheduleState;
  for (let count = 0; count < 12; count++) {
    const from = count === 0 ? begin - 1_000 : Math.floor(begin + random() * (now - begin));
    const to = count === 0 ? now + 1 : Math.floor(from + 1 + random() * (now + 86_400_000 - from));
    const inRange = rows.filter(({ due }) => due >= from && due < to);
    const before = story.savings.findLastIndex(({ saved }) => saved.at < from);
    const later = story.savings.findIndex(({ saved }) => saved.at >= to);
    const savings = story.savings.slice(Math.max(0, before), later < 0 ? undefined : later + 1);
    const after = rows.find((row) => row.cause === 'due' && row.due >= to);
    const range = { from, to, now, zone, settledUntil, after };
    const { sum, differences } = await ledgerOf(savings, inRange, range);
    const { due, saved, restarted, ...outcomes } = sum;
    const total = Object.values(outcomes).reduce((all, one) => all + one, 0);
    t.strictSame(differences, [], `seed ${seed}, from ${new Date(from).toISOString()}`);
    t.equal(due + saved + restarted, total, 'moments = outcomes');
    if (count === 0 && leftOut > 20) t.ok(sum.ignored > 0);
  }
}

for (const start of ['2026-03-10T00:00:00Z', '2026-10-10T00:00:00Z', '2026-06-01T00:00:00Z']) {
  t.test(`40 histories of a month from ${start} balance over any range`, async (t) => {
    for (let seed = 1; seed <= 40; seed++) await history(t, start, seed * 7_919);
  });
}

t.test('a lost outcome, and one that no item called for, are named', async (t) => {
  const story = new History();
  const now = Date.parse('2026-06-08T00:00:00Z');
  const item = { week_day: 0, instance_num: 2, concurr_ratio: 100, concurr_num: 0, ignore: false };
  const definition: Definition = {
    pool: 4,
    type: 'upload',
    execType: 'crontab',
    timeZone: 'UTC',
    cronItems: [{ ...item, time: '10:00' }],
    dependItems: [],
  };
  story.record(save(ID, undefined, definition, { now, zone: 'UTC' }));
  const later = now + 3 * 86_400_000;
  story.record(passTime(story.state as ScheduleState, { now: later, zone: 'UTC' }));
  const [, second, ...rest] = [...story.rows.values()];
  const stranger = { ...(second as LedgerRow), due: (second?.due ?? 0) + 1 };
  const range = { from: now, to: later, now: later, zone: 'UTC', settledUntil: later };
  const rows = [...story.rows.values()].slice(0, 1).concat(stranger, rest);
  const { differences, differenceCount } = await ledgerOf(story.savings, rows, range);
  t.strictSame(differences, [
    { due: second?.due, cause: 'due', what: 'no_outcome' },
    { due: stranger.due, cause: 'due', what: 'no_moment' },
  ]);
  t.equal(differenceCount, 2);
});
