import type { CronItemInput } from '@rigel/contracts';
import { storyOf } from '@rigel/testing';
import t from 'tap';
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
import { conflictOf } from './dependencies.js';
import type { ScheduleEvent } from './events.js';
import { planTarget } from './plan.js';
import { evolveSchedule, type ScheduleState } from './state.js';

const item = (time: string, values: Partial<CronItemInput> = {}): CronItemInput => ({
  week_day: 0,
  time,
  instance_num: 1,
  concurr_ratio: 100,
  concurr_num: 0,
  ignore: false,
  ...values,
});
const definition = (cronItems: CronItemInput[], values: Partial<Definition> = {}): Definition => ({
  pool: 4,
  type: 'expand',
  execType: 'crontab',
  timeZone: '',
  cronItems,
  dependItems: [],
  ...values,
});
const at = (text: string) => ({ now: Date.parse(`2026-06-08T${text}Z`), zone: 'UTC' });

function after(events: readonly ScheduleEvent[], state?: ScheduleState): ScheduleState {
  let next = state;
  for (const event of events) next = evolveSchedule(next, event, 7);
  if (!next) throw new Error('no events');
  return next;
}

/** Each event in a few words. */
const words = (events: readonly ScheduleEvent[]): string[] =>
  events.map(({ type, data }) => {
    if (type === 'ScheduleSaved') return 'saved';
    const shown = (due: number): string => new Date(due).toISOString().slice(11, 19);
    if (type === 'MomentLeftOut') return `${data.by} leaves out ${shown(data.due)}`;
    if (type === 'MomentTakenBack') return `${data.by} takes back ${shown(data.due)}`;
    const occurrence = `${data.cause} ${shown(data.due)}`;
    if (type === 'OccurrenceOpened') return `opened ${occurrence}${data.late ? ' late' : ''}`;
    if (type === 'OccurrenceFiring') return `firing ${occurrence}`;
    const reason = data.reason.split(':')[0];
    return type === 'OccurrenceSkipped'
      ? `skipped ${occurrence} ${reason}`
      : `${data.outcome} ${occurrence} ${reason}`;
  });

/** Here a command is a function of the decider with its arguments. */
type Decide = (state: ScheduleState | undefined) => ScheduleEvent[];
const given = storyOf<ScheduleState | undefined, Decide, ScheduleEvent>(
  {
    initial: undefined,
    decide: (command, state) => command(state),
    evolve: (state, event) => evolveSchedule(state, event, 7),
  },
  words,
);

function known(state: ScheduleState | undefined): ScheduleState {
  if (!state) throw new Error('the scheduled task was not saved');
  return state;
}

t.test(
  'saving applies the item in force, and an occurrence up to it counts by the items before',
  async (t) => {
    const first = save(7, undefined, definition([item('10:00')]), at('09:00:00'));
    t.strictSame(words(first), ['saved', 'opened saved 09:00:00 late']);
    const firing = after(beginFiring(after(first)), after(first));
    const fired = after(finishFiring(firing, [1]), firing);
    t.strictSame(words(save(7, fired, definition([item('10:00:01')]), at('10:00:00'))), [
      'opened due 10:00:00',
      'saved',
      'skipped due 10:00:00 overlap',
      'opened saved 10:00:00 late',
    ]);
  },
);

t.test('an upload is not applied at saving, nor caught up', async (t) => {
  const upload = definition([item('10:00'), item('10:05', { ignore: true })], { type: 'upload' });
  const saving = given().when((state) => save(7, state, upload, at('09:00:00')));
  saving.gives(t, ['saved']);
  const saved = given(...saving.events());
  saved.when((state) => passTime(known(state), at('10:01:00'))).gives(t, ['opened due 10:00:00']);
  saved
    .when((state) => passTime(known(state), at('10:05:00')))
    .gives(t, ['skipped due 10:00:00 missed', 'skipped due 10:05:00 ignored']);
  saved.when((state) => takeOver(known(state), at('11:00:00'))).gives(t, []);
});

t.test('of occurrences that wait only the newest is kept, and a late one is caught up', async (t) => {
  const saved = after(save(7, undefined, definition([item('10:00'), item('10:30')]), at('09:00:00')));
  const firing = after(beginFiring(saved), saved);
  t.strictSame(words(passTime(firing, at('10:30:00'))), [
    'opened due 10:00:00 late',
    'skipped due 10:00:00 overlap',
    'opened due 10:30:00',
  ]);
  const waiting = after(passTime(firing, at('10:40:00')), firing);
  t.strictSame(words(finishFiring(waiting, [3])), ['caught_up saved 09:00:00 ']);
  const done = after(finishFiring(waiting, [3]), waiting);
  t.match(done, { lastTasks: [3], firing: null, waiting: { due: at('10:30:00').now } });
  t.strictSame(words(beginFiring(done)), ['firing due 10:30:00']);
  t.strictSame(words(giveUp(done, 'paused: task 3')), ['skipped due 10:30:00 paused']);
  t.strictSame(passTime(done, at('08:00:00')), [], 'a clock that was set back');
});

t.test('a task that only depends fires no more', async (t) => {
  const saved = after(save(7, undefined, definition([item('10:00')]), at('09:00:00')));
  const depend = definition([item('10:00')], { execType: 'depend' });
  const events = save(7, saved, depend, at('09:30:00'));
  t.strictSame(words(events), ['skipped saved 09:00:00 replaced', 'saved']);
  t.strictSame(passTime(after(events, saved), at('12:00:00')), []);
});

t.test('a moment that an operator leaves out is ignored, once', async (t) => {
  const saving = given().when((state) =>
    save(7, state, definition([item('10:00'), item('11:00')]), at('10:30:00')),
  );
  const saved = given(...saving.events(), ...beginFiring(after(saving.events())), {
    type: 'OccurrenceResolved',
    data: { cause: 'saved', due: at('10:30:00').now, outcome: 'fired', reason: '', tasks: [1] },
  });
  t.equal(nextMoment(after(saving.events()), at('10:40:00')), at('11:00:00').now);
  const leaving = saved.when((state) => leaveOut(known(state), at('11:00:00').now, 'ann', at('10:40:00')));
  leaving.gives(t, ['ann leaves out 11:00:00']);
  const left = given(...saving.events(), ...leaving.events());
  left
    .when((state) => leaveOut(known(state), at('11:00:00').now, 'bob', at('10:41:00')))
    .gives(t, [], 'it is so already');
  left
    .when((state) => takeBack(known(state), at('11:00:00').now, 'bob', at('10:41:00')))
    .gives(t, ['bob takes back 11:00:00']);
  left.when((state) => passTime(known(state), at('11:00:00'))).gives(t, ['skipped due 11:00:00 ignored']);
  const state = after([...saving.events(), ...leaving.events()]);
  t.throws(() => leaveOut(state, at('11:00:01').now, 'ann', at('10:40:00')), {
    code: 'invalid',
    field: 'due_at',
  });
  t.throws(() => leaveOut(state, at('11:00:00').now, 'ann', at('11:00:00')), { code: 'wrong_state' });
  t.throws(() => takeBack(state, at('11:00:00').now, 'ann', at('11:00:00')), { code: 'wrong_state' });
});

t.test('a moment that was left out puts no item in force, neither at a restart nor at a save', async (t) => {
  const items = definition([item('10:00', { instance_num: 20 }), item('11:00', { instance_num: 4 })]);
  const first = after(save(7, undefined, items, at('10:30:00')));
  const firing = after(beginFiring(first), first);
  const fired = after(finishFiring(firing, [1]), firing);
  const left = after(leaveOut(fired, at('11:00:00').now, 'ann', at('10:40:00')), fired);
  const passed = after(passTime(left, at('11:00:00')), left);
  for (const events of [takeOver(passed, at('11:05:00')), save(7, passed, items, at('11:05:00'))]) {
    const opened = events.find(({ type }) => type === 'OccurrenceOpened');
    t.match(opened, { data: { item: { time: '10:00', instance_num: 20 } } });
  }
  t.match(passed.leftOut, [{ by: 'ann' }]);
});

t.test('items get ids that are not given again', async (t) => {
  const saved = after(save(7, undefined, definition([item('10:00'), item('11:00')]), at('09:00:00')));
  const again = after(save(7, saved, definition([item('10:00')]), at('09:00:01')), saved);
  t.strictSame(
    [saved, again].map((state) => state.saved.cronItems.map(({ id }) => id)),
    [[1, 2], [3]],
  );
});

t.test(
  'the target: what is missing is made, what is unfinished runs again, what is too much goes',
  async (t) => {
    const node = (id: number, state: 0 | 1 | 2 | 3 | 4, held: 'no' | 'running' | 'standing' = 'no') => ({
      id,
      state,
      held,
    });
    t.strictSame(planTarget([], 2), { type: 'expand', missing: 2, again: [] });
    t.strictSame(planTarget([node(1, 2), node(2, 2)], 2), { type: 'nothing' });
    t.strictSame(planTarget([node(1, 2), node(2, 3), node(3, 0), node(4, 4), node(5, 3, 'running')], 6), {
      type: 'expand',
      missing: 1,
      again: [2, 3, 4],
    });
    const all = [node(1, 2), node(2, 2), node(3, 4), node(4, 3), node(5, 0), node(6, 0)];
    t.strictSame(planTarget(all, 5), { type: 'shrink', nodes: [5] });
    t.strictSame(planTarget(all, 1), { type: 'shrink', nodes: [5, 6, 4, 3, 1] });
    t.strictSame(planTarget([node(1, 2), node(2, 1, 'running')], 1), { type: 'wait', nodes: [2] });
    t.strictSame(
      planTarget([node(1, 2), node(2, 4, 'standing')], 1),
      { type: 'shrink', nodes: [1] },
      'a node that a paused task holds is passed over',
    );
    t.strictSame(planTarget([node(2, 4, 'standing')], 0), { type: 'nothing' });
  },
);

t.test('dependencies of all pools together', async (t) => {
  const pool = (id: number, hasCron: boolean, ...dependsOn: number[]) => ({ pool: id, hasCron, dependsOn });
  t.equal(conflictOf([pool(1, true, 2), pool(2, false, 3), pool(3, false)], 1), undefined);
  t.match(conflictOf([pool(1, true, 2), pool(2, true)], 1), /pool 2 has cron items of its own/);
  t.match(conflictOf([pool(1, true, 2), pool(2, true)], 2), /pool 1 depends on pool 2/);
  t.match(conflictOf([pool(1, false, 2), pool(2, false, 3), pool(3, false, 1)], 3), /circle: 3, 1, 2, 3/);
});
