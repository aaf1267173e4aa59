import t from 'tap';
import { hostOf, isOn, isOurs, readHost } from './host.js';

/** Whether a Host header means this machine, where it is known as rigel.example. */
function verdict(text: string): 'ours' | 'another' | 'wrong' {
  const host = readHost(text);
  if (!host) return 'wrong';
  return isOurs(host, ['rigel.example', '']) ? 'ours' : 'another';
}

t.test('the host of a Host header', async (t) => {
  const hosts: Record<ReturnType<typeof verdict>, string[]> = {
    ours: [
      '127.0.0.1',
      '127.0.0.1:8080',
      '127.0.0.1:',
      '10.0.0.7:80',
      '[::1]',
      '[::1]:8080',
      '[::ffff:127.0.0.1]:8080',
      'localhost',
      'LOCALHOST:65535',
      'Rigel.Example:8080',
    ],
    another: [
      'evil.example',
      'evil.example:8080',
      'localhost.evil.example',
      'localhost.evil',
      'localhost.',
      'rigel.example.',
      'evil.rigel.example',
      'rigel.example.evil',
      '127.0.0.1.evil.example',
      '127.0.0.1.',
      '127.1',
      '0',
      '0x7f.0.0.1',
      '2130706433',
      '017700000001',
      '127.0.0.1.nip.io',
      'xn--lcalhost-66a',
    ],
    wrong: [
      '',
      ' ',
      ':8080',
      '[::1]evil.example',
      '[::1]:8080evil.example',
      '[::1].evil.example',
      'evil.example[::1]',
      '[::1',
      '::1',
      '[127.0.0.1]',
      '[evil.example]',
      '[fe80::1%25lo]',
      '[::1]]',
      '[]',
      'localhost:evil',
      'localhost:99999',
      'localhost:080800',
      'localhost:80:80',
      'localhost:-1',
      'user@localhost',
      'localhost@evil.example',
      'user:secret@127.0.0.1:8080',
      'localhost/evil.example',
      'evil.example#localhost',
      'evil.example?localhost',
      'http://localhost',
      'localhost evil.example',
      'localhost\tevil.example',
      'l\u00f6calhost',
      'localhost%00.evil',
    ],
  };
  for (const [expected, texts] of Object.entries(hosts))
    for (const text of texts) t.equal(verdict(text), expected, JSON.stringify(text));
});

t.test('one host, wherever it stands', async (t) => {
  const ask = (target: string, hosts: string[], httpVersion = '1.1') =>
    hostOf({ target, httpVersion, rawHeaders: ['Accept', 'a', ...hosts.flatMap((host) => ['hOST', host])] });
  const ours = { host: { name: '127.0.0.1', port: '8080' } };
  t.strictSame(ask('/x', ['127.0.0.1:8080']), ours);
  t.strictSame(ask('http://127.0.0.1:8080/x', ['127.0.0.1:8080']), ours);
  t.strictSame(ask('http://127.0.0.1:8080', [], '1.0'), ours);
  t.strictSame(ask('/x', [], '1.0'), {});
  t.strictSame(ask('/x?at=http://evil.example/', ['127.0.0.1:8080']), ours);
  const wrong: [target: string, hosts: string[], version: string, RegExp][] = [
    ['/x', [], '1.1', /missing/],
    ['/x', ['localhost', 'evil.example'], '1.1', /more than once/],
    ['/x', ['evil.example', 'localhost'], '1.1', /more than once/],
    ['/x', ['localhost', 'localhost'], '1.0', /more than once/],
    ['/x', [''], '1.1', /must be a name or an address.*got \)$/],
    ['/x', ['[::1]evil.example'], '1.1', /got \[::1\]evil\.example\)$/],
    [
      'http://evil.example/x',
      ['localhost'],
      '1.1',
      /^the address names the host evil\.example, and .* localhost/,
    ],
    ['http://localhost/x', ['evil.example'], '1.1', /must be the same/],
    ['http://user@localhost/x', ['localhost'], '1.1', /must be the same/],
    ['http://user@localhost/x', ['user@localhost'], '1.1', /must be a name/],
    ['HTTPS://evil.example?x', ['localhost'], '1.1', /must be the same/],
    ['http:///x', ['localhost'], '1.1', /must be the same/],
    ['http://u@evil.example/x', [], '1.0', /must be a name/],
  ];
  for (const [target, hosts, version, why] of wrong)
    t.match(ask(target, hosts, version), { wrong: why }, `${target} ${hosts.join(' | ')}`);
});

t.test('an address on a host', async (t) => {
  const on = (address: string, host: string) => isOn(address, readHost(host));
  for (const [address, host] of [
    ['http://127.0.0.1:8080', '127.0.0.1:8080'],
    ['http://127.0.0.1:8080/docs/', '127.0.0.1:8080'],
    ['http://localhost', 'LOCALHOST:80'],
    ['https://rigel.example', 'rigel.example'],
    ['https://rigel.example', 'rigel.example:443'],
    ['http://[::1]:8080/x', '[::1]:8080'],
  ] as const)
    t.ok(on(address, host), `${address} ${host}`);
  for (const [address, host] of [
    ['http://127.0.0.1:9090', '127.0.0.1:8080'],
    ['http://localhost:8080', '127.0.0.1:8080'],
    ['https://rigel.example', 'rigel.example:80'],
    ['http://127.0.0.1:8080@evil.example/', '127.0.0.1:8080'],
    ['http://evil.example/127.0.0.1:8080', '127.0.0.1:8080'],
    ['http://127.0.0.1:8080.evil.example/', '127.0.0.1:8080'],
    ['chrome-extension://localhost', 'localhost'],
    ['file:///etc', 'localhost'],
    ['about:blank', 'localhost'],
    ['null', 'null'],
    ['', 'localhost'],
    ['http://a, http://localhost', 'localhost'],
  ] as const)
    t.notOk(on(address, host), `${address} ${host}`);
  t.notOk(isOn('null', undefined));
});
