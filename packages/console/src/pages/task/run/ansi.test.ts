import t from 'tap';
import { spansOf, stylesAfter } from './ansi.js';

const text = (line: string): string =>
  spansOf(line)
    .map((span) => span.text)
    .join('');

t.test('colours and styles become spans of known looks', async (t) => {
  t.strictSame(spansOf('a\u001b[31mred\u001b[0m b\u001b[1;92mbold'), [
    { text: 'a' },
    { text: 'red', colour: 1 },
    { text: ' b' },
    { text: 'bold', colour: 10, bold: true },
  ]);
  t.equal(stylesAfter('\u001b[31mred', ''), '\u001b[31m');
  t.equal(stylesAfter('\u001b[31mred\u001b[0m', ''), '');
  t.strictSame(spansOf('still red', '\u001b[31m'), [{ text: 'still red', colour: 1 }]);
  t.strictSame(spansOf('\u001b[38;2;1;2;3mtrue'), [{ text: 'true' }], 'other colours are the page’s own');
});

t.test('a link is text with its target, whatever ends it', async (t) => {
  t.equal(
    text('\u001b]8;;http://evil.example\u0007press\u001b]8;;\u0007 on'),
    'press ⟨http://evil.example⟩ on',
  );
  t.equal(text('\u001b]8;id=1;http://a.b\u001b\\press\u001b]8;;\u001b\\'), 'press ⟨http://a.b⟩');
});

t.test('control characters are seen, and turn nothing around', async (t) => {
  t.equal(text('nul\u0000 esc\u001b[2J cr\rx del\u007f bidi\u202e'), 'nul␀ esc␛[2J cr␍x del␡ bidi⟨202E⟩');
  t.equal(text('<script>alert(1)</script>\t&amp;'), '<script>alert(1)</script>\t&amp;');
});
