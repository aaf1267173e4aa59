import t from 'tap';
import { lastLines, readableOutput } from './output-text.js';

t.test('output is text, whatever a node prints', async (t) => {
  t.equal(readableOutput('\u001b[1;31mred\u001b[0m\r\n\tplain'), 'red\n\tplain');
  t.equal(readableOutput('a\u0000b\u0007c\rd'), 'a␀b␇c␍d');
  t.equal(
    readableOutput('\u001b]8;;https://evil.example\u0007click\u001b]8;;\u0007'),
    '␛]8;;https://evil.example␇click␛]8;;␇',
  );
  t.equal(readableOutput('exe\u202egpj\u007f\u009b2J'), 'exe‹U+202E›gpj␡‹U+009B›2J');
  t.equal(readableOutput('<script>alert(1)</script>'), '<script>alert(1)</script>');
});

t.test('the last lines, and how many there are', async (t) => {
  t.strictSame(lastLines('a\nb\nc\n', 2), { shown: 'b\nc', lines: 3 });
  t.strictSame(lastLines('', 2), { shown: '', lines: 1 });
});
