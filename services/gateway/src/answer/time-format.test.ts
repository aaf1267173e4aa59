import { isTimeZone } from '@rigel/contracts';
import t from 'tap';
import { createTimeFormat } from './time-format.js';

const ms = 1_501_162_795_999;

t.test('prints times in the zone', async (t) => {
  t.equal(createTimeFormat('UTC').local(ms), '2017-07-27 13:39:55');
  t.equal(createTimeFormat('Asia/Shanghai').local(ms), '2017-07-27 21:39:55');
  t.equal(createTimeFormat('UTC').local(Date.UTC(2026, 0, 5)), '2026-01-05 00:00:00');
  t.equal(createTimeFormat('Asia/Shanghai').rfc3339(ms), '2017-07-27T13:39:55.999Z');
  t.equal(createTimeFormat('UTC').unixSeconds(ms), 1_501_162_795);
});

t.test('knows the zones', async (t) => {
  t.ok(isTimeZone('Europe/Berlin'));
  t.notOk(isTimeZone('Mars/Olympus'));
  t.notOk(isTimeZone(''));
});
