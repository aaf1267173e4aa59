import t from 'tap';
import { HOLE, scanPlaceholders } from './scan-placeholders.js';

const scanned = (text: string) => {
  const { code, holes } = scanPlaceholders(text);
  return { code: code.replaceAll(HOLE, '@'), holes: [...holes.values()] };
};

t.test('placeholders', async (t) => {
  for (const text of ['{{name}}', '{{ name }}', '{{\tname  }}']) {
    t.match(scanned(text), { code: '@', holes: [{ name: 'name', raw: false, malformed: undefined }] }, text);
  }
  for (const text of ['{{name|raw}}', '{{ name | raw }}', '{{name |\traw}}']) {
    t.match(scanned(text), { code: '@', holes: [{ name: 'name', raw: true, malformed: undefined }] }, text);
  }
  for (const name of ['_', 'A9', 'app.port', 'vm-type_id', 'end']) {
    t.match(scanned(`{{${name}}}`).holes, [{ name }]);
  }
});

t.test('the innermost braces count', async (t) => {
  t.equal(scanned('{{{a}}}').code, '{@}');
  t.equal(scanned('{{{{a}},{{b}}}').code, '{{@,@}');
  t.equal(scanned('{{a}}{{b}}').code, '@@');
});

t.test('braces that are no placeholders are left alone', async (t) => {
  for (const text of [
    '{{.Name}}',
    '{{ .State.Status }}',
    '{{- if}}',
    '{{$x}}',
    '{{"a"}}',
    '{{}}',
    '{{ }}',
    '{{a,b},c}',
    '{{1..3},5}',
    '{{\nname\n}}',
    'name}}',
    '{ {name} }',
    '{name}',
    '{{',
  ]) {
    t.same(scanned(text), { code: text, holes: [] }, text);
  }
});

t.test('four braces stand for two', async (t) => {
  t.same(scanned('{{{{name}}}}'), { code: '{{name}}', holes: [] });
  t.same(scanned('{{{{json .}}}}'), { code: '{{json .}}', holes: [] });
  t.same(scanned('{{{{name | raw}}}}{{{{x}}}}'), { code: '{{name | raw}}{{x}}', holes: [] });
});

t.test('what looks like a placeholder and is none is malformed', async (t) => {
  const malformed = (text: string) => scanned(text).holes[0]?.malformed ?? '';
  t.match(malformed('{{name | upper}}'), /unknown filter 'upper'/);
  t.match(malformed('{{name | raw | raw}}'), /unknown filter 'raw | raw'/);
  t.match(malformed('{{name |}}'), /unknown filter ''/);
  t.match(malformed('{{json .}}'), /for this text itself write {{{{json .}}}}/);
  for (const text of ['{{my name}}', '{{1st}}', '{{na$me}}', '{{| raw}}', '{{naïve}}']) {
    t.match(malformed(text), /is no placeholder/, text);
  }
  t.match(malformed('{{name}'), /closed by one brace only/);
});

t.test('positions', async (t) => {
  const text = 'a {{b}}\n{{{{c}}}}\n\n  {{d}} {{e}}';
  t.same(
    scanned(text).holes.map((hole) => [hole.name, hole.position]),
    [
      ['b', { line: 1, column: 3 }],
      ['d', { line: 4, column: 3 }],
      ['e', { line: 4, column: 9 }],
    ],
  );
  const { code, origin } = scanPlaceholders(text);
  t.equal(text[origin[code.indexOf('c')] ?? -1], 'c');
  t.equal(origin.length, code.length + 1);
});

t.test('a NUL character is refused', async (t) => {
  t.throws(() => scanPlaceholders('a\nb\0'), { name: 'TemplateError', line: 2, column: 2 });
});
