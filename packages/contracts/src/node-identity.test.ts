import fc from 'fast-check';
import t from 'tap';
import { identityKeys, nodeIdentity } from './node-identity.js';

/** Each line: spellings of one machine while the default port is 22. No two lines are the same one. */
// biome-ignore format: a table
const MACHINES = [
  ['127.0.15.2', '127.0.15.2:22', '[::ffff:127.0.15.2]', '::ffff:127.0.15.2', '::FFFF:127.0.15.2', '::ffff:7f00:f02',
    '0:0:0:0:0:ffff:127.0.15.2', '[::ffff:7f00:0f02]:22', '::ffff:127.0.15.2%eth0'],
  ['127.0.15.2:2222', '[::ffff:127.0.15.2]:2222'],
  // IPv4-compatible, and another prefix: no IPv4-mapped addresses.
  ['::127.0.15.2', '::7f00:f02'],
  ['64:ff9b::127.0.15.2', '64:ff9b:0::7f00:f02'],
  ['127.0.0.1'],
  ['::1', '[::1]', '0:0:0:0:0:0:0:1', '[::1]:22', '0000:0000:0000:0000:0000:0000:0000:0001', '::0001', '::1%lo'],
  ['[::1]:23'],
  ['localhost', 'LOCALHOST', 'LocalHost:22', 'localhost.', 'localhost.:22'],
  ['localhost:2222', 'LOCALHOST:2222'],
  ['web-1.example.org', 'WEB-1.Example.ORG.'],
  ['web-1'],
  ['2001:db8::7', '2001:DB8::7', '2001:0db8:0:0::7', '[2001:db8::7]:22', '2001:db8::7%eth0'],
  ['2001:db8::8'],
  // Only on a link-local address the zone says which machine it is, and names of interfaces have two cases.
  ['fe80::1%eth0', 'FE80::1%eth0', '[fe80::1%eth0]', '[fe80:0::1%eth0]:22'],
  ['fe80::1%ETH0'],
  ['fe80::1%eth1'],
  ['fe80::1'],
  ['[fe80::1%eth0]:2222'],
  ['1a'],
  // No addresses today: each is nothing but itself.
  ['-'], ['10.0.0.7:022'], ['010.0.0.7'], ['10.0.0.7:'], ['10.0.0.7:22:22'], ['[10.0.0.7]:22'], ['[::1'], [''], ['.'], [':22'], ['10.0.0.7:65536'],
];

t.test('spellings of one machine have one identity, and no others have it', async (t) => {
  const owners = new Map<string, string>();
  for (const [first = '', ...others] of MACHINES) {
    const identity = nodeIdentity(first, 22);
    for (const other of others) t.equal(nodeIdentity(other, 22), identity, `${other} is ${first}`);
    t.equal(owners.get(identity), undefined, `${first} is nobody else`);
    owners.set(identity, first);
  }
});

t.test('the form is what people would write', async (t) => {
  t.equal(nodeIdentity('[::FFFF:10.0.0.7]:22', 22), '10.0.0.7');
  t.equal(nodeIdentity('10.0.0.7:2222', 22), '10.0.0.7:2222');
  t.equal(nodeIdentity('2001:DB8:0:0:0::7', 22), '[2001:db8::7]');
  t.equal(nodeIdentity('Web.Example.org.:2200', 22), 'web.example.org:2200');
});

t.test('which port is the default one decides, and the stored form knows none', async (t) => {
  t.equal(nodeIdentity('10.0.0.7:2222', 2222), nodeIdentity('10.0.0.7', 2222));
  t.not(nodeIdentity('10.0.0.7:22', 2222), nodeIdentity('10.0.0.7', 2222));
  t.equal(nodeIdentity('10.0.0.7:22'), '10.0.0.7:22');
  t.strictSame(identityKeys('10.0.0.7', 22), ['10.0.0.7', '10.0.0.7:22']);
  t.strictSame(identityKeys('10.0.0.7:22', 22), ['10.0.0.7', '10.0.0.7:22']);
  t.strictSame(identityKeys('10.0.0.7:23', 22), ['10.0.0.7:23']);
});

const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
const host = fc.oneof(
  fc.ipV4(),
  fc.domain(),
  fc.ipV6().map((ip) => `[${ip}]`),
);

t.test(
  'property: two addresses are one machine exactly when one is stored among the keys of the other',
  async () => {
    const address = fc.tuple(host, port).map(([name, at]) => (at === undefined ? name : `${name}:${at}`));
    fc.assert(
      fc.property(
        address,
        address,
        fc.integer({ min: 1, max: 65_535 }),
        fc.boolean(),
        (a, other, ssh, same) => {
          const b = same ? respelled(a, ssh) : other;
          const equal = nodeIdentity(a, ssh) === nodeIdentity(b, ssh);
          return equal === identityKeys(a, ssh).includes(nodeIdentity(b)) && (!same || equal);
        },
      ),
      { numRuns: 1_000 },
    );
  },
);

t.test('property: an identity is its own identity', async () => {
  fc.assert(
    fc.property(fc.oneof(host, fc.string()), port, fc.integer({ min: 1, max: 65_535 }), (name, at, ssh) => {
      const identity = nodeIdentity(at === undefined ? name : `${name}:${at}`, ssh);
      return nodeIdentity(identity, ssh) === identity;
    }),
    { numRuns: 1_000 },
  );
});

function respelled(address: string, sshPort: number): string {
  const upper = address.toUpperCase();
  return /:\d+$/.test(upper.replace(/\[.*\]/, '')) ? upper : `${upper}:${sshPort}`;
}
