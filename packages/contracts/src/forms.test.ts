import t from 'tap';
import { Type } from 'typebox';
import { ExecutorName } from './executor-name.js';
import { unboundedIn } from './forms.js';

t.test('what has no limit is found, wherever it stands', async (t) => {
  const none = Type.Object({
    text: Type.String(),
    list: Type.Array(Type.Object({ deep: Type.Optional(Type.String({ pattern: '^a*$' })) }), { maxItems: 3 }),
    open: Type.Array(Type.Integer()),
    record: Type.Record(Type.String(), Type.String()),
    either: Type.Union([Type.Literal('a'), Type.String(), Type.Null()]),
    pair: Type.Tuple([Type.Integer(), Type.String()]),
    any: Type.Unknown(),
    fine: Type.String({ maxLength: 5 }),
  });
  t.same(unboundedIn(none).sort(), [
    'any',
    'either',
    'list[].deep',
    'open',
    'pair.1',
    'record',
    'record{}',
    'text',
  ]);
});

t.test('a word of a subject is no other subject', async (t) => {
  const word = new RegExp((ExecutorName as { pattern?: string }).pattern ?? '');
  for (const right of ['executor-1-0a1b2c', 'executor', 'host.example-ff', 'ex@mple:1']) t.match(right, word);
  for (const wrong of ['', '*', '>', 'a.*', 'a b', 'a\r\nPUB x 0', 'a\n', 'a\t', 'ä'])
    t.notMatch(wrong, word);
});
