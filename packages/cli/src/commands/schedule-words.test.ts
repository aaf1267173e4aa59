import t from 'tap';
import { itemText, type LedgerSum, sumLine } from './schedule-words.js';

const none: LedgerSum = {
  due: 0,
  saved: 0,
  restarted: 0,
  fired: 0,
  caught_up: 0,
  nothing_to_do: 0,
  skipped: 0,
  ignored: 0,
  waiting: 0,
  firing: 0,
  not_noticed: 0,
  moments: 0,
  balanced: true,
};

t.test('the sum of a ledger names what there is', async (t) => {
  const sum = { ...none, moments: 87, fired: 78, caught_up: 3, nothing_to_do: 4, skipped: 2 };
  t.equal(sumLine(sum), '87 moments = 78 fired + 3 caught up + 4 nothing to do + 2 skipped        balanced');
  t.equal(sumLine({ ...none, moments: 1, waiting: 1 }), '1 moment = 1 waiting        balanced');
  t.equal(sumLine(none), '0 moments        balanced');
  t.match(sumLine({ ...sum, balanced: false }), /NOT balanced$/);
});

t.test('an item is said in words', async (t) => {
  const item = {
    id: 1,
    week_day: 0,
    time: '08:00',
    instance_num: 20,
    concurr_ratio: 0,
    concurr_num: 0,
    ignore: false,
  };
  t.equal(itemText(item), '08:00 daily, 20 nodes');
  t.equal(
    itemText({ ...item, week_day: 1, concurr_ratio: 10, concurr_num: 3, ignore: true }),
    '08:00 Sunday, 20 nodes, batches of 10 %, at most 3 at once, ignored',
  );
});
