import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIntl } from '@formatjs/intl';
import { ApiError, type RefusalReason } from '@rigel/api-client';
import t from 'tap';
import { type Manner, placeOf, tellRefusal } from './refusals.js';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');

const mannerOf = (locale: string): Manner => ({ intl: createIntl({ locale }), zone: 'UTC' });
const english = mannerOf('en-US');
const chinese = mannerOf('zh-CN');

/** What the server said. */
const SAID = 'q is wrong at character 4';
const tell = (given: RefusalReason, manner: Manner): string | undefined => tellRefusal(given, manner, SAID);

const reason = (code: string, rest: Partial<RefusalReason> = {}): RefusalReason => ({
  code: code as RefusalReason['code'],
  field: null,
  value: null,
  data: {},
  ...rest,
});

t.test('a refusal is told from its code and what it speaks of', async (t) => {
  const taken = reason('name_taken', { field: 'name', value: 'web', data: { kind: 'pool' } });
  t.equal(tell(taken, english), 'Another pool has the name “web”.');
  t.equal(tell(taken, chinese), '已有另一个服务池叫“web”。');
  const changed = reason('version_changed', {
    value: 3,
    data: { version: 4, by: 'bob', at: Date.parse('2026-01-05T08:00:00Z') },
  });
  t.match(tell(changed, chinese), /bob 已于 2026-01-05 08:00:00 UTC 修改，当前是版本 4/);
  const held = reason('nodes_held', {
    data: { count: 2, node: 7, ip: '10.0.0.7', task: 12, name: 'deploy', opr_user: 'ann', since: 0 },
  });
  t.match(tell(held, english), /^2 nodes are held: 10\.0\.0\.7 by task 12 \(deploy\) of ann, since 1970/);
  const time = reason('wrong_form', { value: '25', data: { form: 'HH:mm' } });
  t.equal(tell(time, english), '“25” does not have the right form: write it as HH:mm.');
  t.equal(tell({ ...time, data: {} }, english), '“25” does not have the right form.');
  const role = reason('role', { data: { needed: 'operator', role: 'viewer' } });
  t.equal(tell(role, chinese), '此操作需要角色 操作员；您的角色是 只读。');
});

t.test('the server speaks where a fact is missing, and for a code that says no more', async (t) => {
  t.equal(tell(reason('name_taken', { value: 'web' }), english), undefined, 'of which kind?');
  t.equal(
    tell(reason('nodes_held', { data: { count: 1, node: 7, task: null } }), english),
    undefined,
    'a removal holds it',
  );
  t.equal(tell(reason('expression'), english), SAID, 'only its words say where');
  t.equal(tell(reason('expression'), chinese), `无法按此正则表达式搜索：${SAID}`);
  t.equal(tell(reason('invalid'), chinese), undefined);
  t.equal(tell(reason('of_a_later_release'), chinese), undefined);
  t.equal(tell(reason('toString'), chinese), undefined);
});

t.test('every code of the document has words in both languages, or is left to the server', async (t) => {
  const rows = readFileSync(join(ROOT, 'docs', 'refusals.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const untold: string[] = [];
  for (const row of rows) {
    const [, codes = '', , named = ''] = row.split('|');
    const facts = [...named.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
    const data = Object.fromEntries(
      facts.map((name) => [name, name === 'kind' ? 'pool' : /at|since|count|seconds/.test(name) ? 3 : 'x']),
    );
    for (const [, code = ''] of codes.matchAll(/`(\w+)`/g)) {
      const told = [english, chinese].map((manner) => tell(reason(code, { value: 7, data }), manner));
      if (told.includes(undefined)) untold.push(code);
      else {
        t.match(told[1], /\p{Script=Han}/u, code);
        t.notMatch(told.join(), /undefined|\{|\}/, code);
      }
    }
  }
  t.ok(rows.length > 60);
  t.strictSame(untold.sort(), ['invalid', 'not_http', 'unknown_parameter', 'wrong_header', 'wrong_state']);
});

t.test('a refusal is shown at the field that it names, or at the nearest one around it', async (t) => {
  const of = (field: string | null): ApiError => new ApiError(400, 'x', {}, reason('missing', { field }));
  const fields = ['name', 'steps', 'steps.0', 'steps.0.timeout', 'cron_itmes.0.time'];
  t.equal(placeOf(of('name'), fields), 'name');
  t.equal(placeOf(of('steps.0.timeout'), fields), 'steps.0.timeout');
  t.equal(placeOf(of('steps.0.retry.retry_times'), fields), 'steps.0');
  t.equal(placeOf(of('steps.01'), fields), 'steps');
  t.equal(placeOf(of('cron_items.0.time'), fields, { cron_items: 'cron_itmes' }), 'cron_itmes.0.time');
  t.equal(placeOf(of('cron_itmes.0.time'), fields, { cron_items: 'cron_itmes' }), 'cron_itmes.0.time');
  for (const field of ['names', 'desc', null]) t.equal(placeOf(of(field), fields), undefined);
  t.equal(placeOf(new Error('x'), fields), undefined);
  t.equal(placeOf(undefined, fields), undefined);
});
