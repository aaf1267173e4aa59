import t from 'tap';
import { operatorFrom } from './operator.js';

const asHeader = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

t.test('is the text of the header', async (t) => {
  t.equal(operatorFrom('root'), 'root');
  t.equal(operatorFrom(' Jane Doe '), 'Jane Doe');
  t.equal(operatorFrom(asHeader('张伟')), '张伟');
});

t.test('invisible characters in a name become visible', async (t) => {
  t.equal(operatorFrom(asHeader('ann\u202e')), 'ann(U+202E)');
  t.equal(operatorFrom(asHeader('ann\u200b')), 'ann(U+200B)');
  t.equal(operatorFrom(asHeader('\u009b31mann')), '(U+009B)31mann');
  t.equal(operatorFrom('a\tb'), 'a(U+0009)b');
});

t.test('an absent or empty header names no operator', async (t) => {
  t.equal(operatorFrom(undefined), 'unknown');
  t.equal(operatorFrom('  '), 'unknown');
});

t.test('credentials are not a name', async (t) => {
  for (const header of ['Basic cm9vdDpzZWNyZXQ=', 'bearer abc.def', 'Bearer', 'Digest username=a']) {
    t.equal(operatorFrom(header), 'unknown', header);
  }
  t.equal(operatorFrom('basically'), 'basically');
});
