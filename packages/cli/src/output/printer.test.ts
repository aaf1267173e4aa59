import t from 'tap';
import { type Format, Printer } from './printer.js';
import { cut, plain, tableLines, widthOf } from './screen.js';

const rows = [
  { id: 1, name: 'web', held_by: { task_id: 7 } },
  { id: 22, name: '上海\u001b[31m', held_by: null },
];
const columns = [
  { field: 'id', title: 'id', align: 'end' as const },
  { field: 'name', title: 'name' },
  {
    field: 'held_by',
    title: 'held',
    isWide: true,
    text: ({ held_by }: (typeof rows)[0]) => held_by?.task_id,
  },
];

function printed(format: Format, fields?: string[], of: object[] = rows): string {
  let text = '';
  const out = (part: string): void => {
    text += part;
  };
  new Printer({ format, fields, columns: undefined, out }).rows('node', of as typeof rows, columns as never);
  return text;
}

t.test('rows in each format', async (t) => {
  t.equal(printed('table'), 'ID  NAME\n 1  web\n22  上海\\u001b[31m\n');
  t.match(printed('wide'), /HELD\n 1 .* 7\n/);
  t.strictSame(JSON.parse(printed('json')), rows);
  t.strictSame(
    printed('jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    rows,
  );
  t.match(printed('yaml'), /^- id: 1\n {2}name: web\n/);
  t.equal(printed('name'), 'node/1\nnode/22\n');
  t.equal(printed('tsv', ['name', 'id']), 'web\t1\n上海\\u001b[31m\t22\n');
  t.strictSame(JSON.parse(printed('json', ['held_by.task_id'])), [
    { 'held_by.task_id': 7 },
    { 'held_by.task_id': null },
  ]);
  t.throws(() => printed('table', ['nme']), /there is no field nme; there are id, name, held_by/);
  t.equal(printed('table', undefined, []), '');
  t.equal(printed('json', undefined, []), '[]\n');
});

t.test('a table fits the terminal, and nothing in it can move the cursor', async (t) => {
  t.equal(widthOf('上海a'), 5);
  t.equal(cut('上海abc', 5), '上海…');
  t.equal(plain('a\u001b[2Jb\u202e'), 'a\\u001b[2Jb\\u202e');
  const lines = tableLines(
    [
      { title: 'ID', align: 'end', cells: ['1'] },
      { title: 'MESSAGE', align: 'start', cells: ['x'.repeat(200)] },
    ],
    40,
  );
  for (const line of lines) t.ok(widthOf(line) <= 40, line);
});
