import fc from 'fast-check';
import t from 'tap';
import { whereJsonBreaks } from './json-position.js';

t.test('the first character that cannot be part of it', async (t) => {
  const broken: [text: string, before: string][] = [
    ['x', ''],
    ['{"a": 1,}', '{"a": 1,'],
    ['{"a": x}', '{"a": '],
    ['{a: 1}', '{'],
    ['{"a" 1}', '{"a" '],
    ['{"a": 1 "b"', '{"a": 1 '],
    ['{"a": 1}}', '{"a": 1}'],
    ['{"a": [1,]}', '{"a": [1,'],
    ['{"a": [1}', '{"a": [1'],
    ['{"a": 01}', '{"a": 0'],
    ['{"a": -}', '{"a": -'],
    ['{"a": 1.}', '{"a": 1.'],
    ['{"a": 1e+}', '{"a": 1e+'],
    ['{"a": tru}', '{"a": tru'],
    ['{"a": "\\x"}', '{"a": "\\'],
    ['{"a": "\\u12g4"}', '{"a": "\\u12'],
    ['{"a": "line\nbreak"}', '{"a": "line'],
    [
      ' {"a": [{}, {"b": 1e5, "c": -0.5}], "d": "\\n\\u0041"; }',
      ' {"a": [{}, {"b": 1e5, "c": -0.5}], "d": "\\n\\u0041"',
    ],
  ];
  for (const [text, before] of broken) t.equal(whereJsonBreaks(text), before.length, text);
});

t.test('a text that ends too early breaks at its end, however deep', async (t) => {
  for (const text of ['', '{', '{"a', '{"a":', '[[1, 2', '{"a": "b\\', '{"a": nul']) {
    t.equal(whereJsonBreaks(text), text.length, text);
  }
  t.equal(whereJsonBreaks('['.repeat(1_000_000)), 1_000_000);
});

t.test('the text before the position can be completed to JSON, the text with it cannot', async (t) => {
  const text = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '}', 'x', '"', '\\', '0', ' '))
    .map(([json, at, extra]) => {
      const cut = at % (json.length + 1);
      return json.slice(0, cut) + extra + json.slice(cut);
    });
  await fc.assert(
    fc.property(text, (text) => {
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      const at = whereJsonBreaks(text);
      // A valid text ends where more could follow.
      return valid ? at === text.length : at <= text.length && whereJsonBreaks(text.slice(0, at)) === at;
    }),
  );
  t.pass();
});
