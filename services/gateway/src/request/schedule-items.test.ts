import t from 'tap';
import { checkCronItems, checkDependItems } from './schedule-items.js';

t.test('times of a day', async (t) => {
  t.doesNotThrow(() =>
    checkCronItems([
      { time: '00:00', week_day: 0 },
      { time: ' 23:59:59 ', week_day: 1 },
      { time: '23:59:58', week_day: 1 },
      { time: '00:00', week_day: 7 },
    ]),
  );
  for (const time of ['', '8:30', '24:00', '12:60', '12:00:60', '12', 'noon', '12:00:00:00']) {
    t.throws(() => checkCronItems([{ time }]), { code: 'invalid', field: 'cron_itmes' }, time);
  }
});

t.test('the same moment twice', async (t) => {
  const refused = { code: 'invalid', message: /08:30/ };
  t.throws(
    () =>
      checkCronItems([
        { time: '08:30', week_day: 2 },
        { time: '08:30:00', week_day: 2 },
      ]),
    refused,
  );
  t.throws(() => checkCronItems([{ time: '08:30' }, { time: '08:30', week_day: 0 }]), refused);
});

t.test('dependencies', async (t) => {
  const item = { pool_id: 2, step_name: 'start' };
  t.doesNotThrow(() => checkDependItems(1, [item, { ...item, pool_id: 3 }]));
  t.throws(() => checkDependItems(2, [item]), { code: 'invalid', message: /itself/ });
  t.throws(() => checkDependItems(1, [item, item]), { code: 'invalid', message: /twice/ });
});
