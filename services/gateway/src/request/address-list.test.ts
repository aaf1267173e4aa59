import t from 'tap';
import { MOST_ADDRESSES, readAddressList } from './address-list.js';

const read = (text: string) => readAddressList('addresses', text);

t.test('entries stand between commas, semicolons, blanks and line ends', async (t) => {
  t.strictSame(read(' 10.0.0.1, 10.0.0.2;10.0.0.3\n\tweb-1.example.org:2222\r\n10.0.0.1 '), [
    '10.0.0.1',
    '10.0.0.2',
    '10.0.0.3',
    'web-1.example.org:2222',
  ]);
});

t.test('ranges keep their digits, and an entry may have several', async (t) => {
  t.strictSame(read('10.0.3.[9-11]:2222'), ['10.0.3.9:2222', '10.0.3.10:2222', '10.0.3.11:2222']);
  t.strictSame(read('web-[09-10].[1-2]'), ['web-09.1', 'web-09.2', 'web-10.1', 'web-10.2']);
  t.strictSame(read('[::1]:22'), ['[::1]:22'], 'an IPv6 address is no range');
});

t.test('a network stands for its hosts', async (t) => {
  t.strictSame(read('10.0.3.5/30'), ['10.0.3.5', '10.0.3.6']);
  t.strictSame(read('10.0.3.5/32'), ['10.0.3.5']);
  t.strictSame(read('10.0.3.5/31'), ['10.0.3.4', '10.0.3.5']);
  t.equal(read('10.0.0.0/20').length, 4_094);
});

t.test('what is wrong is named', async (t) => {
  t.strictSame(read(' , \n'), []);
  t.throws(() => read('10.0.3.0/33'), { message: /10\.0\.3\.0\/33 is no IPv4 network/ });
  t.throws(() => read('fd00::/64'), { message: /is no IPv4 network/ });
  t.throws(() => read('10.0.3.[9-2]'), { message: /ends before it begins/ });
  for (const large of ['10.0.0.0/8', '10.[0-255].[0-255].1', 'w[1-999999999]', `w[1-${MOST_ADDRESSES}] x`]) {
    t.throws(() => read(large), { message: /more than 10000 addresses/ }, large);
  }
  t.strictSame(read('no/ne'.replace('/', '_')), ['no_ne'], 'what is no address stays');
});
