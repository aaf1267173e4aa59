import t from 'tap';
import { clientOf, networkOf } from './client.js';

t.test('the network that one host cannot leave', async (t) => {
  const same = (expected: string, ...addresses: string[]) => {
    for (const address of addresses) t.equal(networkOf(address), expected, address);
  };
  same('10.0.0.7', '10.0.0.7', '::ffff:10.0.0.7', '::FFFF:10.0.0.7');
  same('2001:db8:0:1::/64', '2001:db8:0:1::', '2001:DB8::1:0:0:0:5', '2001:0db8:0000:0001:ffff:1:2:3');
  same('2001:db8:0:0::/64', '2001:db8::1', '2001:db8::', '2001:db8::192.0.2.1', '2001:db8:0:0:1:2:192.0.2.1');
  same('0:0:0:0::/64', '::1', '::');
  same('fe80:0:0:0::/64', 'fe80::1%eth0', 'fe80::2');
  t.not(networkOf('2001:db8:0:2::1'), networkOf('2001:db8:0:1::1'));
});

t.test('a client is its token, whatever session it uses, or where it comes from', async (t) => {
  const principal = {
    credentials: { kind: 'session' as const, id: 12, hash: '' },
    tokenId: 7,
    name: 'dashboard',
    role: 'viewer' as const,
    mayRun: false,
    expires: null,
  };
  t.strictSame(clientOf({ principal, ip: '10.0.0.1' }), { key: 'token 7', name: 'token dashboard' });
  t.strictSame(clientOf({ principal: null, ip: '10.0.0.1' }), {
    key: 'address 10.0.0.1',
    name: 'address 10.0.0.1',
  });
});
