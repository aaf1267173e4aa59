import t from 'tap';
import { escapedLine, visible } from './invisible.js';
import { plainLine } from './text.js';

const HIDDEN = [
  '\0',
  '\t',
  '\n',
  '\r',
  '\x1b',
  '\x7f',
  '\x9b',
  '\u00ad',
  '\u061c',
  '\u200b',
  '\u200d',
  '\u200e',
  '\u2028',
  '\u202e',
  '\u2060',
  '\u2066',
  '\u3164',
  '\ufe0f',
  '\ufeff',
  '\ud800',
  '\u{e0041}',
];

t.test('what cannot be seen is made visible, and nothing else is touched', async (t) => {
  for (const hidden of HIDDEN) {
    const name = `U+${(hidden.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`;
    t.equal(visible(`a${hidden}b`), `a(${name})b`);
    const json = JSON.stringify({ a: `x${hidden}\\y` });
    t.match(escapedLine(json), /^[\x20-\x7e]*$/);
    t.strictSame(JSON.parse(escapedLine(json)), JSON.parse(json), name);
  }
  for (const text of ['ann', 'Jürgen (ops) <a@b>', '张伟', 'Анна', 'ทดสอบ', 'a\\u202eb', '🚀']) {
    t.equal(visible(text), text);
    t.equal(escapedLine(text), text);
  }
  t.equal(escapedLine('\x1b[31mred\x1b]0;title\x07'), '\\u001b[31mred\\u001b]0;title\\u0007');
});

t.test('a line of a node has nothing of it that moves the cursor or turns text around', async (t) => {
  const harmful = /[\p{Cc}\p{Cs}\u061c\u200e\u2028\u202e\u2066\ufeff]/u;
  for (const hidden of HIDDEN) t.notMatch(plainLine(`a ${hidden} b`, 20), harmful, visible(hidden));
});
