import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { parse } from 'yaml';
import { unifiedDiff } from './diff.js';
import type { Thing } from './present.js';
import { filesOf, yamlOf } from './write.js';

/* What is written comes back as it was, and a diff says exactly what changed. */

/** Texts that YAML has forms of its own for. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => !/\0|\p{Cs}|\r/u.test(value)),
  fc
    .array(
      fc.constantFrom(
        'a',
        ' ',
        '\n',
        '\t',
        '#',
        ':',
        '-',
        '"',
        "'",
        '|',
        '%',
        '{{x}}',
        '\\',
        '\u0085',
        '\u2028',
        '\ufeff',
        'é',
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join('')),
  fc.constantFrom(
    ' \n',
    '\n',
    ' \n a',
    '\n\n',
    'yes',
    'null',
    '~',
    '08:00',
    '1e3',
    '0x1F',
    '.5',
    '=',
    '<<',
    '',
    'true',
    '2026-01-01',
  ),
);

t.test('a text comes back from YAML as it was', async (t) => {
  fc.assert(
    fc.property(text, text, (first, second) => {
      const data = { rigel: 'v1', script: first, params: { [`k${second}`]: [second, { deep: first }] } };
      const back = parse(yamlOf(data), { version: '1.2' });
      return JSON.stringify(back) === JSON.stringify(data);
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});

t.test('a unified diff makes one text from the other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rigel-diff-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const patch = spawnSync('patch', ['--version']).status === 0;
  if (!patch) return t.pass('patch is not installed');
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', '', 'd e'), { maxLength: 24 });
  const file = fc
    .tuple(lines, fc.boolean())
    .map(([all, ends]) => all.join('\n') + (ends && all.length > 0 ? '\n' : ''));
  fc.assert(
    fc.property(file, file, (before, after) => {
      const diff = unifiedDiff(before, after);
      if (before === after) return diff.length === 0;
      const path = join(folder, 'x');
      writeFileSync(path, before);
      const input = `${['--- x', '+++ x', ...diff].join('\n')}\n`.replaceAll(
        '\\ no line end',
        '\\ No newline at end of file',
      );
      const done = spawnSync('patch', ['-s', '-o', '-', path], { input, encoding: 'utf8' });
      return done.status === 0 && done.stdout === after;
    }),
    { numRuns: 150 },
  );
  return t.pass();
});

t.test('each thing has a file, whatever its name is', async (t) => {
  const thing = (name: string, script: string | null = null): Thing => ({
    kind: 'Action',
    name,
    fields: { desc: '', params: {}, shell: null, script },
    id: 1,
    version: 1,
    set: '',
    by: '',
  });
  const paths = (...names: string[]) => filesOf(names.map((name) => thing(name))).map(({ path }) => path);
  t.strictSame(paths('web', 'Web', '../x', '.', 'a/b', 'a b', 'é池', 'con:'), [
    'actions/web.yaml',
    'actions/Web~2.yaml',
    'actions/%2e.%2fx.yaml',
    'actions/%2e.yaml',
    'actions/a%2fb.yaml',
    'actions/a%20b.yaml',
    'actions/é池.yaml',
    'actions/con%3a.yaml',
  ]);
  t.strictSame(filesOf([thing('s', 'a\nb\nc\nd\n')]), [
    { path: 'actions/s.yaml', text: 'rigel: v1\nkind: Action\nname: s\nscript_file: s.sh\n' },
    { path: 'actions/s.sh', text: 'a\nb\nc\nd\n' },
  ]);
  t.equal(filesOf([thing('s', 'a\nb\nc\n')]).length, 1, 'a short script stays in its document');
});
