import t from 'tap';
import { csvField } from './csv.js';

t.test('a field of CSV is one field, and never a formula', async (t) => {
  t.same(['plain', 'a,b', 'say "no"', 'two\nlines', '=1+1', '-2', null, 7].map(csvField), [
    'plain',
    '"a,b"',
    '"say ""no"""',
    '"two\nlines"',
    "'=1+1",
    "'-2",
    '',
    '7',
  ]);
});
