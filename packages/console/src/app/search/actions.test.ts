import t from 'tap';
import { actionsOn, splitVerb } from './actions.js';
import type { Found } from './results.js';
import { searchWords } from './words.js';

/** Words without their data filled in, in one of the languages. */
const say =
  (locale: 'en-US' | 'zh-CN') =>
  (key: keyof (typeof searchWords)['en-US'], data: Record<string, string | number> = {}): string =>
    searchWords[locale][key].replace(/\{(\w+)\}/g, (_, name: string) => String(data[name]));
const en = say('en-US');
const zh = say('zh-CN');

const found = (kind: Found['kind'], id: number, name: string): Found => ({
  kind,
  id,
  name,
  detail: '',
  exact: false,
});

t.test('a verb before a name is taken off, in the language of the reader and in English', (t) => {
  t.strictSame(splitVerb('deploy web', en), { verb: 'deploy', rest: 'web' });
  t.strictSame(splitVerb('DEP  web pool', en), { verb: 'deploy', rest: 'web pool' });
  t.strictSame(splitVerb('部署 web', zh), { verb: 'deploy', rest: 'web' });
  t.strictSame(splitVerb('stop task #42', en), { verb: 'stop', rest: '#42' });
  t.strictSame(splitVerb('pause 42', zh), { verb: 'pause', rest: '42' });
  t.strictSame(splitVerb('deploy', en), { verb: undefined, rest: 'deploy' }, 'a name may be a verb');
  t.strictSame(splitVerb('de web', en), { verb: undefined, rest: 'de web' });
  t.strictSame(splitVerb('', en), { verb: undefined, rest: '' });
  t.end();
});

t.test('a verb is offered for each object of its kind, and each leads to a dialog', (t) => {
  const rows = [found('pool', 3, 'web'), found('pool', 4, 'web-2'), found('task', 42, 'move')];
  t.strictSame(
    actionsOn(rows, 'deploy', en).map(({ name, address }) => [name, address]),
    [
      ['Deploy web…', '/pool/3?do=deploy'],
      ['Deploy web-2…', '/pool/4?do=deploy'],
    ],
  );
  t.strictSame(
    actionsOn(rows, undefined, en).map(({ address }) => address),
    ['/task/42?do=start', '/task/42?do=pause', '/task/42?do=stop'],
    'without a verb: of what is the only one of its kind',
  );
  t.strictSame(
    actionsOn(rows, 'run', en).map(({ address }) => address),
    [],
  );
  t.end();
});
