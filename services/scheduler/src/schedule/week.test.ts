import type { CronItem, CronItemInput } from '@rigel/contracts';
import { partitionOf, ServiceError } from '@rigel/contracts';
import { VersionConflict } from '@rigel/event-store';
import { silentLogger } from '@rigel/testing';
import t, { type Test } from 'tap';
import { save } from './decide.js';
import type { DueItem, OccurrenceKey, ScheduleEvent } from './events.js';
import type { Fired, Firing } from './fire.js';
import { type LedgerRow, ledgerOf, type Saving } from './ledger.js';
import { ScheduleRunner } from './runner.js';
import { evolveSchedule, type ScheduleState } from './state.js';
import type { ScheduleLedger } from './store.js';

/*
 * A week of scheduled tasks on a clock that ticks in seconds, over both changes of the clocks, with two schedulers that are
 * killed between any two effects. What the ledger holds afterwards is compared with a calendar that is computed in another
 * way: by going through the week second by second and asking Intl what time it is.
 */

const ID = 16;
const PARTITION = new Set([partitionOf(ID)]);

/** Random numbers from a seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A dead process: none of its effects happens, and nobody answers it. */
const never = <T>(): Promise<T> => new Promise(() => undefined);

/** What a scheduler's database keeps of one scheduled task, with the same refusals. */
class Database {
  state: ScheduleState | undefined;
  readonly savings: Saving[] = [];
  /** Outcome of each moment. */
  readonly ledger = new Map<string, { key: OccurrenceKey; outcome: string; tasks: number[] }>();
  /** The task that each moment led to. */
  readonly tasks = new Map<string, number>();

  apply(expected: number, events: readonly ScheduleEvent[]): void {
    if ((this.state?.version ?? 0) !== expected) throw new VersionConflict('somebody else was faster');
    for (const event of events) {
      this.state = evolveSchedule(this.state, event, ID);
      if (event.type === 'ScheduleSaved') {
        this.savings.push({ saved: event.data, leftOut: new Set() });
        continue;
      }
      if (event.type === 'MomentLeftOut' || event.type === 'MomentTakenBack') continue;
      const { cause, due } = event.data;
      const name = `${cause} ${due}`;
      const row = this.ledger.get(name);
      const opening = event.type === 'OccurrenceOpened' || event.type === 'OccurrenceSkipped';
      if (opening === (row !== undefined)) throw new VersionConflict(`${name} is there twice, or not at all`);
      if (event.type !== 'OccurrenceResolved') {
        this.ledger.set(name, { key: { cause, due }, outcome: event.type, tasks: [] });
        continue;
      }
      const made = this.tasks.get(name);
      if (event.data.tasks.length === 0 && made) throw new VersionConflict('a task was made meanwhile');
      const { outcome, reason, tasks } = event.data;
      this.ledger.set(name, {
        key: { cause, due },
        outcome: `${outcome} ${reason.split(':')[0]}`.trim(),
        tasks,
      });
    }
  }
}

/** One scheduler process, which may die before any of its effects. */
class Process {
  readonly runner: ScheduleRunner;
  dead = false;
  effectsLeft = Infinity;

  constructor(database: Database, zone: string, clock: { now: number }, random: () => number) {
    const effect = async <T>(work: () => T): Promise<T> => {
      // Another process may come in between.
      await Promise.resolve();
      if (this.effectsLeft-- <= 0) this.dead = true;
      if (this.dead) return never();
      return work();
    };
    const ledger: ScheduleLedger = {
      versions: () => effect(() => new Map(database.state ? [[ID, database.state.version]] : [])),
      load: () => effect(() => database.state),
      record: (state, events) => effect(() => database.apply(state.version, events)),
      tasksOf: (_, { cause, due }) =>
        effect(() => {
          const task = database.tasks.get(`${cause} ${due}`);
          return task === undefined ? [] : [task];
        }),
      noteWait: () => effect(() => undefined),
      standings: (tasks) => effect(() => tasks.map((id) => ({ id, standing: 'ended' as const }))),
    };
    const firing: Firing = {
      isNeeded: () => effect(() => random() < 0.5),
      preview: async () => [],
      fire: async (_state, { cause, due }: DueItem): Promise<Fired> => {
        const name = `${cause} ${due}`;
        if (random() < 0.1) throw new ServiceError('unavailable', 'a neighbour does not answer');
        await effect(() => {
          if (database.tasks.has(name) || database.ledger.get(name)?.outcome !== 'OccurrenceFiring') {
            throw new ServiceError('wrong_state', 'it is settled already');
          }
          database.tasks.set(name, database.tasks.size + 1);
        });
        return effect(() => ({ tasks: [database.tasks.get(name) as number] }));
      },
    };
    const endless = () => never<void>();
    this.runner = new ScheduleRunner({
      ledger,
      firing,
      zone,
      clock: {
        now: () => clock.now,
        sleep: endless,
        endOfTurn: async () => undefined,
        after: () => () => undefined,
        every: () => () => undefined,
      },
      log: silentLogger,
    });
    this.runner.own(PARTITION);
  }
}

const item = (week_day: number, time: string, ignore = false): CronItemInput => ({
  week_day,
  time,
  instance_num: 1,
  concurr_ratio: 100,
  concurr_num: 0,
  ignore,
});

/** Items at all times of the day, among them those that a change of the clocks leaves out or brings twice. */
const ITEMS = [
  item(0, '00:00'),
  item(0, '00:30'),
  item(0, '01:30:01'),
  item(0, '01:59:59'),
  item(0, '02:00'),
  item(0, '02:15'),
  item(1, '02:30:30'),
  item(0, '02:59:59'),
  item(0, '03:00'),
  item(1, '03:00:01'),
  item(6, '12:00'),
  item(0, '13:37:11', true),
  item(3, '13:37:11'),
  item(7, '23:59:59'),
];

interface Second {
  due: number;
  ignored: boolean;
}

/** The calendar, by what a clock on the wall shows in each second: by its date and time, each counts the first time. */
function naiveCalendar(items: readonly CronItem[], zone: string, from: number, to: number): Second[] {
  const wall = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  });
  /** Seconds that the clock on the wall shows, counted as if there were no changes. */
  const shown = (at: number): number => {
    const parts = Object.fromEntries(wall.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute) / 1_000;
  };
  const wanted = items.map(({ time, week_day, ignore }) => {
    const [hour = 0, minute = 0, second = 0] = time.split(':').map(Number);
    return { second: hour * 3_600 + minute * 60 + second, week_day, ignore };
  });
  const seconds: Second[] = [];
  const begin = from - 86_400_000;
  /** The latest that was shown so far: what is shown again is not new, and what is jumped over comes at once. */
  let latest = shown(begin) - 1;
  for (let minute = begin; minute <= to; minute += 60_000) {
    const first = shown(minute);
    for (let second = 0; second < 60; second++) {
      const due = minute + second * 1_000;
      const now = first + second;
      if (now <= latest) continue;
      const here: boolean[] = [];
      for (let passed = latest + 1; passed <= now; passed++) {
        const day = new Date(passed * 1_000).getUTCDay() + 1;
        for (const { second: at, week_day, ignore } of wanted) {
          if (passed % 86_400 === at && (week_day === 0 || week_day === day)) here.push(ignore);
        }
      }
      latest = now;
      if (here.length > 0 && due > from && due <= to) seconds.push({ due, ignored: here.every(Boolean) });
    }
  }
  return seconds;
}

/** Lets what the processes have begun go on as far as it can. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The sum over the whole week, by the rows that a read table would have. */
async function assertBalanced(
  t: Test,
  { ledger, savings, state }: Database,
  { from, to, zone }: { from: number; to: number; zone: string },
): Promise<void> {
  const rows = [...ledger.values()]
    .map(({ key, outcome }): LedgerRow => {
      const [word = ''] = outcome.split(' ');
      const isSkip = outcome === 'OccurrenceSkipped';
      return {
        ...key,
        outcome: (isSkip ? 'skipped' : word) as LedgerRow['outcome'],
        isIgnored: isSkip,
        zone: '',
      };
    })
    .sort((a, b) => a.due - b.due);
  const settledUntil = state?.settledUntil ?? 0;
  const { sum, differences } = await ledgerOf(savings, rows, { from, to, now: to, zone, settledUntil });
  t.strictSame(differences, []);
  const { due, saved, restarted, ...outcomes } = sum;
  t.equal(
    due + saved + restarted,
    Object.values(outcomes).reduce((total, count) => total + count, 0),
    'moments = outcomes',
  );
  t.ok(due > 50 && sum.ignored > 0);
}

async function week(t: Test, zone: string, start: string, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const from = Date.parse(start);
  const to = from + 7 * 86_400_000;
  const clock = { now: from };
  const database = new Database();
  const definition = {
    pool: 4,
    type: 'expand' as const,
    execType: 'crontab' as const,
    timeZone: '',
    cronItems: ITEMS,
    dependItems: [],
  };
  database.apply(0, save(ID, undefined, definition, { now: from, zone }));
  const saved = database.state as ScheduleState;
  const calendar = naiveCalendar(saved.saved.cronItems, zone, from, to);
  let processes: Process[] = [];
  let kills = 0;
  /** Nothing runs until then. */
  let downUntil = 0;
  const interesting = calendar.map(({ due }) => due);
  for (; clock.now <= to; clock.now += 1_000) {
    // Where nothing can happen the week goes on in longer steps; each second around a moment is gone through.
    const next = interesting.find((due) => due >= clock.now - 5_000) ?? to;
    if (next - clock.now > 20_000) clock.now = next - 10_000;
    processes = processes.filter(({ dead }) => !dead);
    if (clock.now >= downUntil) {
      while (processes.length < 2) processes.push(new Process(database, zone, clock, random));
      for (const process of processes) if (random() < 0.6) void process.runner.tick();
    }
    await settle();
    for (const process of processes) {
      if (random() < 0.03) {
        kills++;
        process.effectsLeft = Math.floor(random() * 6);
      }
    }
    if (random() < 0.004) {
      for (const process of processes) process.dead = true;
      downUntil = clock.now + random() * 4 * 3_600_000;
    }
  }
  for (; clock.now < to + 300_000; clock.now += 1_000) {
    processes = processes.filter(({ dead }) => !dead);
    if (processes.length < 2) processes.push(new Process(database, zone, clock, random));
    for (const process of processes) void process.runner.tick();
    await settle();
  }
  for (const process of processes) process.dead = true;
  const rows = [...database.ledger.values()].filter(({ key }) => key.cause === 'due' && key.due <= to);
  const byDue = rows.sort((a, b) => a.key.due - b.key.due);
  const times = (all: readonly { due: number }[]) => all.map(({ due }) => new Date(due).toISOString());
  t.strictSame(
    times(byDue.map(({ key }) => key)),
    times(calendar),
    'the ledger has the moments of the calendar',
  );
  const ignored = byDue.filter(
    ({ outcome }) => outcome === 'skipped ignored' || outcome === 'OccurrenceSkipped',
  );
  t.strictSame(times(ignored.map(({ key }) => key)), times(calendar.filter((second) => second.ignored)));
  await t.resolves(assertBalanced(t, database, { from, to: to + 300_000, zone }));
  const outcomes = new Set([...database.ledger.values()].map(({ outcome }) => outcome));
  const ends = ['fired', 'caught_up', 'skipped overlap', 'OccurrenceSkipped'];
  t.strictSame(
    [...outcomes].filter((outcome) => !ends.includes(outcome)),
    [],
    'each has its end',
  );
  const told = [...database.ledger.values()].flatMap(({ tasks }) => tasks);
  t.strictSame(
    told.sort((a, b) => a - b),
    [...database.tasks.values()],
    'each task is that of one moment',
  );
  t.ok(kills > 20 && outcomes.has('caught_up'), `${kills} kills`);
}

for (const [zone, start] of [
  ['Europe/Berlin', '2026-03-26T00:00:00Z'],
  ['Europe/Berlin', '2026-10-22T00:00:00Z'],
  ['America/New_York', '2026-03-05T00:00:00Z'],
  ['America/New_York', '2026-10-29T00:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-01T12:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-01T12:00:00Z'],
  ['Africa/Cairo', '2026-04-21T00:00:00Z'],
] as const) {
  t.test(`a week in ${zone} from ${start}`, (t) => week(t, zone, start, start.length + zone.length));
}
