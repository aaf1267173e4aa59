// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell text
import t from 'tap';
import { parseTemplate } from './parse-template.js';
import { type ParameterValue, renderTemplate } from './render-template.js';

const render = (text: string, values: Record<string, ParameterValue>) =>
  renderTemplate(parseTemplate(text, 'script'), values);

t.test('values are assigned first and expanded in their place', async (t) => {
  t.equal(
    render(`docker run --net="{{net}}" '{{net}}' {{tag}}`, { net: "it's", tag: 'v1' }),
    `rigel_param_1='it'\\''s'; rigel_param_2='v1'; docker run --net="\${rigel_param_1}" ''"\${rigel_param_1}"'' "\${rigel_param_2}"`,
  );
  t.equal(
    render('#!/bin/sh -e\n# {{x}}\ncat <<EOF\n{{x}}\nEOF\n', { x: 'a' }),
    "#!/bin/sh -e\nrigel_param_1='a'; # {{x}}\ncat <<EOF\n${rigel_param_1}\nEOF\n",
  );
});

t.test('raw values are pasted', async (t) => {
  t.equal(
    render('echo {{a | raw}} "{{a|raw}}"', { a: '$HOME "{{b}}"' }),
    'echo $HOME "{{b}}" "$HOME "{{b}}""',
  );
  t.equal(render('#!/usr/bin/python3\nprint({{n | raw}})', { n: 3 }), '#!/usr/bin/python3\nprint(3)');
});

t.test('a template without parameters is unchanged', async (t) => {
  for (const text of ['', '#!/bin/sh', '#!/bin/sh\necho "', 'docker inspect -f {{.Name}}', '# {{x}}']) {
    t.equal(render(text, { x: 1 }), text);
  }
  t.equal(render('docker inspect -f {{{{json .}}}}', {}), 'docker inspect -f {{json .}}');
});

t.test('numbers and booleans', async (t) => {
  t.equal(render('a {{x | raw}} {{y | raw}} {{z | raw}}', { x: 1.5, y: true, z: -0 }), 'a 1.5 true 0');
  t.match(render('a {{x}}', { x: 3 }), /^rigel_param_1='3'; /);
});

t.test('integers', async (t) => {
  const arithmetic = (n: ParameterValue) => render('echo $((1-{{n}}))', { n });
  t.equal(arithmetic(7), 'echo $((1-7))');
  t.equal(arithmetic('-7'), 'echo $((1-(-7)))');
  t.equal(arithmetic('+007'), 'echo $((1-7))');
  t.equal(arithmetic('9223372036854775807'), 'echo $((1-9223372036854775807))');
  t.equal(render('exit {{n}}>f', { n: '08' }), "exit '8'>f");
  t.equal(render('[ "{{n}}" -lt \'{{n}}\' ]', { n: -2 }), `[ "-2" -lt '-2' ]`);
  for (const n of [
    '',
    ' 1',
    '1 ',
    '1.0',
    '0x10',
    '1e3',
    'a',
    'a[$(id)]',
    '9223372036854775808',
    1.5,
    1e21,
    true,
  ]) {
    t.throws(
      () => arithmetic(n),
      { message: /^1:11: the value of parameter n must be an integer/ },
      String(n),
    );
  }
});

t.test('values that cannot be used', async (t) => {
  const values = (x: unknown) => ({ x }) as Record<string, ParameterValue>;
  for (const [value, problem] of [
    [null, /is null/],
    [undefined, /of type undefined/],
    [['a'], /is a list/],
    [{}, /of type object/],
    [1n, /of type bigint/],
    [Number.NaN, /no finite number/],
    ['a\0b', /NUL/],
    ['a\ud800', /surrogate/],
  ] as const) {
    for (const text of ['echo {{x}}', 'echo {{x | raw}}']) {
      t.throws(() => render(text, values(value)), {
        name: 'TemplateError',
        message: problem,
        parameter: 'x',
      });
    }
  }
});

t.test('missing values', async (t) => {
  t.throws(() => render('echo\necho {{x}} {{y}}', { x: 1 }), {
    message: '2:12: the value of parameter y is missing',
    parameter: 'y',
  });
  for (const name of ['constructor', '__proto__', 'toString']) {
    t.throws(() => render(`echo {{${name}}}`, {}), { message: /is missing/ });
  }
  t.equal(render('echo {{__proto__ | raw}}', JSON.parse('{"__proto__":"a"}')), 'echo a');
});

t.test('messages never contain a value', async (t) => {
  for (const value of ['hunter2\0', 'hunter2\ud800', 'hunter2']) {
    try {
      render('exit {{secret}}', { secret: value });
      t.fail('was accepted');
    } catch (error) {
      t.notMatch(String(error), /hunter2/);
    }
  }
});
