import t from 'tap';
import { visible } from './visible.js';

t.test('what no one would see is shown, and all else stays', async (t) => {
  t.equal(visible('a\tb\nc – 中文 🙂'), 'a\tb\nc – 中文 🙂');
  t.equal(visible('\u001b[31mred\u0007\r\u007f'), '␛[31mred␇␍␡');
  t.equal(visible('gpj.\u202eexe\u0085'), 'gpj.⟨202E⟩exe⟨85⟩');
});
