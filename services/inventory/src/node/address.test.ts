import { isAddress } from '@rigel/contracts';
import fc from 'fast-check';
import t from 'tap';
import { readAddresses } from './address.js';

t.test('addresses', async (t) => {
  // biome-ignore format: a list
  const good = [
    '10.0.0.7', '10.0.0.7:2222', '::1', 'fe80::1%eth0', '[::1]', '[::1]:22', '[2001:db8::7]:65535',
    'web', 'web-1.example.org', 'web-1.example.org:22', '1a', '0x1.org', `${'a'.repeat(63)}.b`,
  ];
  for (const address of good) t.ok(isAddress(address), address);
  // biome-ignore format: a list
  const bad = [
    '', '-', ':22', '10.0.0.7:', '10.0.0.7:0', '10.0.0.7:65536', '10.0.0.7:022', '10.0.0.7:22:22', '10.0.0', '10.0.0.256',
    '1.2.3.4.5', '12', '12:22', 'web.1', '0x1', 'web.0X', '[10.0.0.7]:22', '[::1]22', '[::1', '::1]:22', '[]', 'a b', 'a..b', '-a', 'a-',
    'a_b', 'user@web', 'web/', 'wéb', `${'a'.repeat(64)}`, '10.0.0.7\0', '10.0.0.7\n', `${'a.'.repeat(127)}ab`,
  ];
  for (const address of bad) t.notOk(isAddress(address), JSON.stringify(address));
});

t.test('property: generated addresses with ports are accepted, and never mistaken for an id', async () => {
  const host = fc.oneof(
    fc.ipV4(),
    fc.domain(),
    fc.ipV6().map((ip) => `[${ip}]`),
  );
  fc.assert(
    fc.property(host, fc.option(fc.integer({ min: 1, max: 65_535 })), (name, port) => {
      const address = port === null ? name : `${name}:${port}`;
      return isAddress(address) && !/^\d+$/.test(address);
    }),
    { numRuns: 500 },
  );
});

t.test('a list is read whole or refused, naming the entry', async (t) => {
  t.strictSame(readAddresses([' 10.0.0.1 ', 'web:22'], 22), ['10.0.0.1', 'web:22']);
  const refused: [string[], { code: string; message: string | RegExp }][] = [
    [[], { code: 'invalid', message: 'nodes must not be empty' }],
    [['a', '  '], { code: 'invalid', message: 'entry 2 of nodes is blank' }],
    [['a', '10.0.0.'], { code: 'invalid', message: 'nodes: 10.0.0. is not an address' }],
    [['-'], { code: 'invalid', message: 'nodes: - is not an address' }],
    [['a', 'b', ' a'], { code: 'conflict', message: 'nodes: a stands in the list twice' }],
    [['a', 'A:22'], { code: 'conflict', message: 'nodes: a and A:22 are one machine' }],
    [
      ['10.0.0.7', '[::ffff:10.0.0.7]'],
      { code: 'conflict', message: /10\.0\.0\.7 and \[::ffff:10\.0\.0\.7\] are one/ },
    ],
  ];
  for (const [nodes, error] of refused)
    t.throws(() => readAddresses(nodes, 22), { ...error, field: 'nodes' });
});
